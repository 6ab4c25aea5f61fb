/**
 * ASP.NET Core route templates, as Functions uses them for HTTP triggers: literal segments compared without case, `{name}`,
 * `{name?}`, `{name=default}`, `{*rest}`, `{**rest}` and constraints such as `{id:int:min(1)}`
 * (learn.microsoft.com, "Routing in ASP.NET Core").
 */

type Check = (value: string) => boolean;

interface Parameter {
  name: string;
  optional: boolean;
  fallback: string | undefined;
  catchAll: boolean;
  checks: Check[];
}

/** A segment is literals and parameters in turn, e.g. `file-{name}.{ext}`. */
type Piece = { literal: string } | { parameter: Parameter };

interface Segment {
  pieces: Piece[];
  /** Lower is more specific: a literal, a mixed segment, a constrained parameter, a parameter, a catch-all. */
  precedence: number;
  matcher: RegExp | undefined;
}

export interface RouteTemplate {
  text: string;
  segments: Segment[];
}

export type RouteValues = Record<string, string>;

const number = (pattern: RegExp, check: (value: number) => boolean) => (value: string) =>
  pattern.test(value) && check(Number(value));
const INTEGER = /^[+-]?\d+$/;
const REAL = /^[+-]?\d+(?:\.\d+)?$/;

const CONSTRAINTS: Record<string, (argument: string) => Check> = {
  int: () => number(INTEGER, (value) => value >= -(2 ** 31) && value < 2 ** 31),
  long: () => number(INTEGER, () => true),
  bool: () => (value) => /^(?:true|false)$/i.test(value),
  guid: () => (value) => /^[{(]?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}[)}]?$/i.test(value),
  alpha: () => (value) => /^[a-z]*$/i.test(value),
  decimal: () => number(REAL, () => true),
  double: () => number(REAL, () => true),
  float: () => number(REAL, () => true),
  datetime: () => (value) => !Number.isNaN(Date.parse(value)),
  required: () => (value) => value.trim() !== "",
  minlength: (argument) => (value) => value.length >= Number(argument),
  maxlength: (argument) => (value) => value.length <= Number(argument),
  length: (argument) => {
    const [least = "", most = least] = argument.split(",");
    return (value) => value.length >= Number(least) && value.length <= Number(most);
  },
  min: (argument) => number(INTEGER, (value) => value >= Number(argument)),
  max: (argument) => number(INTEGER, (value) => value <= Number(argument)),
  range: (argument) => {
    const [least = "", most = ""] = argument.split(",");
    return number(INTEGER, (value) => value >= Number(least) && value <= Number(most));
  },
  regex: (argument) => {
    const expression = new RegExp(argument, "i");
    return (value) => expression.test(value);
  },
};

/** @throws Error that says what is wrong with the template. */
export function parseRouteTemplate(text: string): RouteTemplate {
  const trimmed = text.replace(/^~?\//, "").replace(/\/$/, "");
  const segments = trimmed === "" ? [] : splitSegments(trimmed).map((segment) => parseSegment(segment, text));
  segments.forEach((segment, index) => {
    if (segment.precedence === 5 && index !== segments.length - 1) {
      throw new Error(`Route "${text}": a catch-all parameter must be the last segment.`);
    }
  });
  const names = segments.flatMap(({ pieces }) => pieces.flatMap((p) => ("parameter" in p ? [p.parameter.name] : [])));
  const repeated = names.find(
    (name, index) => names.findIndex((n) => n.toLowerCase() === name.toLowerCase()) !== index,
  );
  if (repeated !== undefined) {
    throw new Error(`Route "${text}": the parameter "${repeated}" occurs twice.`);
  }
  return { text, segments };
}

/** The values of the template's parameters (decoded) when `path` matches it; `path` is still percent-encoded. */
export function matchRoute(template: RouteTemplate, path: string): RouteValues | undefined {
  const parts = path
    .replace(/^\//, "")
    .replace(/\/$/, "")
    .split("/")
    .filter((_, index, all) => all.length > 1 || all[index] !== "");
  const values: RouteValues = {};
  const { segments } = template;
  for (let index = 0; index < segments.length; index++) {
    const segment = segments[index];
    const only = segment?.pieces.length === 1 ? segment.pieces[0] : undefined;
    const parameter = only !== undefined && "parameter" in only ? only.parameter : undefined;
    if (segment === undefined) {
      return undefined;
    }
    if (parameter?.catchAll === true) {
      const rest = decode(parts.slice(index).join("/"));
      if (rest === undefined || !accept(parameter, rest, values)) {
        return undefined;
      }
      return values;
    }
    const part = parts[index];
    if (part === undefined) {
      if (parameter?.fallback !== undefined) {
        values[parameter.name] = parameter.fallback;
      } else if (parameter?.optional !== true) {
        return undefined;
      }
      continue;
    }
    if (!matchSegment(segment, part, values)) {
      return undefined;
    }
  }
  return parts.length > segments.length ? undefined : values;
}

/** Orders templates so that the more specific comes first (negative: `a` before `b`). */
export function compareTemplates(a: RouteTemplate, b: RouteTemplate): number {
  const length = Math.max(a.segments.length, b.segments.length);
  for (let index = 0; index < length; index++) {
    const difference = (a.segments[index]?.precedence ?? 6) - (b.segments[index]?.precedence ?? 6);
    if (difference !== 0) {
      return difference;
    }
  }
  return 0;
}

function matchSegment(segment: Segment, part: string, values: RouteValues): boolean {
  const decoded = decode(part);
  if (decoded === undefined) {
    return false;
  }
  const match = segment.matcher?.exec(decoded);
  if (match === null || match === undefined) {
    return false;
  }
  let group = 1;
  for (const piece of segment.pieces) {
    if ("parameter" in piece && !accept(piece.parameter, match[group++] ?? "", values)) {
      return false;
    }
  }
  return true;
}

function accept(parameter: Parameter, value: string, values: RouteValues): boolean {
  if (value === "") {
    if (parameter.fallback !== undefined) {
      values[parameter.name] = parameter.fallback;
    }
    return parameter.optional || parameter.catchAll || parameter.fallback !== undefined;
  }
  if (!parameter.checks.every((check) => check(value))) {
    return false;
  }
  values[parameter.name] = value;
  return true;
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** Splits at slashes that are not inside a parameter (a regex constraint may hold one). */
function splitSegments(text: string): string[] {
  const segments = [""];
  let depth = 0;
  for (const character of text) {
    depth += character === "{" ? 1 : character === "}" ? -1 : 0;
    if (character === "/" && depth === 0) {
      segments.push("");
    } else {
      segments[segments.length - 1] += character;
    }
  }
  return segments;
}

function parseSegment(segment: string, template: string): Segment {
  const pieces: Piece[] = [];
  let rest = segment;
  while (rest !== "") {
    if (rest.startsWith("{") && !rest.startsWith("{{")) {
      const end = closingBrace(rest);
      if (end === -1) {
        throw new Error(`Route "${template}": "${segment}" has an open brace.`);
      }
      pieces.push({ parameter: parseParameter(rest.slice(1, end), template) });
      rest = rest.slice(end + 1);
    } else {
      const [literal = ""] = /^(?:\{\{|\}\}|[^{}])+/.exec(rest) ?? [];
      if (literal === "") {
        throw new Error(`Route "${template}": "${segment}" has a stray brace.`);
      }
      pieces.push({ literal: literal.replaceAll("{{", "{").replaceAll("}}", "}") });
      rest = rest.slice(literal.length);
    }
  }
  if (pieces.length === 0) {
    throw new Error(`Route "${template}" has an empty segment.`);
  }
  return { pieces, precedence: precedenceOf(pieces), matcher: matcherOf(pieces) };
}

function closingBrace(text: string): number {
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    depth += text[index] === "{" ? 1 : text[index] === "}" ? -1 : 0;
    if (depth === 0) {
      return index;
    }
  }
  return -1;
}

function precedenceOf(pieces: Piece[]): number {
  const [first] = pieces;
  if (pieces.length > 1) {
    return 2;
  }
  if (first === undefined || "literal" in first) {
    return 1;
  }
  if (first.parameter.catchAll) {
    return 5;
  }
  return first.parameter.checks.length > 0 ? 3 : 4;
}

function matcherOf(pieces: Piece[]): RegExp {
  const source = pieces.map((piece) =>
    "literal" in piece ? piece.literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&") : pieces.length === 1 ? "(.*)" : "(.+?)",
  );
  return new RegExp(`^${source.join("")}$`, "is");
}

function parseParameter(text: string, template: string): Parameter {
  const match = /^(\*{0,2})([^:=?*]+)((?::[^:(=?]+(?:\((?:[^()]|\([^()]*\))*\))?)*)(?:=([^?]*))?(\?)?$/.exec(text);
  if (match === null) {
    throw new Error(`Route "${template}": "{${text}}" is not a parameter.`);
  }
  const [, stars = "", name = "", constraints = "", fallback, optional] = match;
  const checks = [...constraints.matchAll(/:([^:(]+)(?:\(((?:[^()]|\([^()]*\))*)\))?/g)].map(
    ([, kind = "", argument = ""]) => {
      const make = CONSTRAINTS[kind.toLowerCase()];
      if (make === undefined) {
        throw new Error(`Route "${template}": the constraint "${kind}" is unknown.`);
      }
      return make(argument);
    },
  );
  return { name, optional: optional !== undefined, fallback, catchAll: stars !== "", checks };
}
