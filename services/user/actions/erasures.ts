export const erasures = {};
