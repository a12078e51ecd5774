export function thirdPartyText(root?: string): string;
