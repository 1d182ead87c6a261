import type { IncomingHttpHeaders } from "node:http";
import type { Request } from "autocannon";

/** What one connection asks for, again and again. */
export interface Asker {
  readonly path: string;
  /** The next request. */
  next(): Request;
  /** Of each answer that was a success, before the next request is made. */
  heard?(body: string, headers: IncomingHttpHeaders): void;
}

/** Asks for a page as a browser does. */
export class PageAsker implements Asker {
  private readonly request: Request;

  /** @param cookie of somebody who is signed in */
  constructor(
    readonly path: string,
    cookie?: string,
  ) {
    const headers = { accept: "text/html", "accept-encoding": "gzip" };
    this.request = { method: "GET", path, headers: { ...headers, ...(cookie && { cookie }) } };
  }

  next(): Request {
    return this.request;
  }
}

/** Changes a title to another one. */
export class TitleAsker implements Asker {
  private count = 0;

  /** @param name of the title, different from that of other askers */
  constructor(
    readonly path: string,
    private readonly name: string,
  ) {}

  next(): Request {
    return this.patch({}, {});
  }

  protected patch(headers: IncomingHttpHeaders, more: object): Request {
    const body = JSON.stringify({ title: `${this.name}, ${++this.count}`, ...more });
    const type = { "content-type": "application/json" };
    return { method: "PATCH", path: this.path, headers: { ...type, ...headers }, body };
  }
}

/**
 * Changes a title as the page of a document does while somebody types: each change starts from the version that the
 * answer before told of, and comes with the cookies that the answers have set.
 */
export class TypedTitleAsker extends TitleAsker {
  private readonly jar: CookieJar;

  constructor(
    path: string,
    name: string,
    private readonly origin: string,
    cookie: string,
    private clock: Readonly<Record<string, number>>,
  ) {
    super(path, name);
    this.jar = new CookieJar(cookie);
  }

  override next(): Request {
    const { origin } = this;
    return this.patch({ origin, cookie: this.jar.toString() }, { baseVersion: this.clock });
  }

  heard(body: string, headers: IncomingHttpHeaders): void {
    this.jar.take(headers["set-cookie"]);
    this.clock = (JSON.parse(body) as { clock: Record<string, number> }).clock;
  }
}

/** Keeps names and values; those of no value are gone. Paths and ages do not matter to a benchmark. */
export class CookieJar {
  private readonly values = new Map<string, string>();

  /** @param cookies as a request sends them */
  constructor(cookies: string) {
    for (const cookie of cookies.split("; ")) this.put(cookie);
  }

  /** @param set one header of that name, several, or none */
  take(set: string | readonly string[] | undefined): void {
    for (const header of typeof set === "string" ? [set] : (set ?? [])) {
      this.put(header.split(";", 1)[0] ?? "");
    }
  }

  toString(): string {
    return [...this.values].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  private put(cookie: string): void {
    const at = cookie.indexOf("=");
    const [name, value] = [cookie.slice(0, at), cookie.slice(at + 1)];
    if (value === "") this.values.delete(name);
    else this.values.set(name, value);
  }
}
