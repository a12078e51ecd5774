/** Bits of GPUBufferUsage, GPUMapMode and GPUShaderStage: the globals of that name are missing in Node. */
export const BUFFER_USAGE = {
  mapRead: 0x1,
  copySource: 0x4,
  copyTarget: 0x8,
  uniform: 0x40,
  storage: 0x80,
} as const;
export const MAP_READ = 0x1;
export const COMPUTE_STAGE = 0x4;
