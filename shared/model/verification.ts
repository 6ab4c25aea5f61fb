/** How the rows of a table are proven to have arrived. */
import { z } from "zod";

/** `Checksums`: both servers have computed the same sum over canonical rows; `Counts`: both have counted them. */
export const verifications = ["Checksums", "Counts"] as const;
export const Verification = z.enum(verifications);
export type Verification = z.infer<typeof Verification>;
