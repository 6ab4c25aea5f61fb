/** Where the next page of a list is. */

/** The address of this request with another value of one parameter. */
export function nextLink(url: string, parameter: string, value: string): string {
  const link = new URL(url);
  link.searchParams.set(parameter, value);
  // A function key may be in the query: no answer repeats it, whoever follows the link sends it again.
  link.searchParams.delete("code");
  return link.href;
}
