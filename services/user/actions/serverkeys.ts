export const serverkeys = {};
