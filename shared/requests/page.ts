/** Pages of a list. */
import { RequestError } from "../model/request-error.js";

const defaultPageSize = 100;
const maximumPageSize = 1_000;

/** The query's maxpagesize (Azure REST API guidelines, "Collections"); 100 without. Throws RequestError 400. */
export function pageSizeOf(query: URLSearchParams): number {
  const text = query.get("maxpagesize");
  if (text === null) return defaultPageSize;
  const size = Number(text);
  if (/^\d+$/.test(text) && size >= 1 && size <= maximumPageSize) return size;
  const message = `maxpagesize "${text}" must be a whole number from 1 to ${maximumPageSize}: correct it, or leave it out for ${defaultPageSize}.`;
  throw new RequestError(400, "InvalidParameterValue", message, { target: "maxpagesize" });
}
