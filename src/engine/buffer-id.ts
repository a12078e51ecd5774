/** The number of a buffer in its plan. */
export type BufferId = number;
