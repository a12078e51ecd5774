/** What files that leave the program say they were made by; the number is that of package.json. */
export const MADE_BY = "Retune 0.1.0";
