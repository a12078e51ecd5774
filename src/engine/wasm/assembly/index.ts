export { matmulNT } from "./matmul-rows";
export { matmulNN, matmulTN, matmulWorkspaceBytes } from "./matmul-panels";
