/** The name of our schema in a target database: whoever lists a user's objects leaves it out. */
export const ledgerSchema = "_pgmig";
