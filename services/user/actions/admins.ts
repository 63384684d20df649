export const admins = {};
