/**
 * Lists that come page by page. Start at `pages`.
 *
 *     for await (const batch of client.batches.list({ limit: 20 })) …   // all of them, further pages fetched on the way
 *     const page = await client.batches.list({ limit: 20 });            // this one only
 */

import type { Client } from './client.js';
import type { Args, Operation, PageOperation } from './operation.js';
import type { RequestOptions } from './options.js';
import { APIPromise, type Replied } from './response.js';
import { request } from './transport.js';

type Json = Record<string, unknown>;

/** One page; iterated over with `for await`, its items and those of all that follow. */
export class Page<Item> implements AsyncIterable<Item> {
  /** @internal */
  constructor(
    /** The reply as it came. */
    readonly body: Readonly<Json>,
    private readonly operation: PageOperation<Item>,
    private readonly fetchPage: (cursor: string) => Promise<Page<Item>>,
  ) {}

  /** The page's items. */
  get data(): Item[] {
    const items = this.body[this.operation.items];
    return Array.isArray(items) ? items : [];
  }

  /** Where the next page begins; `undefined` on the last. */
  nextCursor(): string | undefined {
    const { nextCursor, hasMore } = this.operation;
    const last = this.data.at(-1) as Json | undefined;
    if (!last || (hasMore && this.body[hasMore] === false)) return undefined;
    const cursor = nextCursor ? this.body[nextCursor] : last['id'];
    return typeof cursor === 'string' && cursor ? cursor : undefined;
  }

  hasNextPage(): boolean {
    return this.nextCursor() !== undefined;
  }

  /** `undefined` after the last. */
  async getNextPage(): Promise<Page<Item> | undefined> {
    const cursor = this.nextCursor();
    return cursor === undefined ? undefined : this.fetchPage(cursor);
  }

  /** This page, and all that follow. */
  async *iterPages(): AsyncGenerator<Page<Item>, void, undefined> {
    for (let page: Page<Item> | undefined = this; page; page = await page.getNextPage()) yield page;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for await (const page of this.iterPages()) yield* page.data;
  }
}

/** Awaited it is the first page; iterated over with `for await` it is the items of all pages. */
export class PagePromise<Item> extends APIPromise<Page<Item>> implements AsyncIterable<Item> {
  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    yield* await this;
  }
}

/** Gets a list. */
export function pages<Item>(
  client: Client,
  operation: PageOperation<Item>,
  args: Args,
  options?: RequestOptions,
): PagePromise<Item> {
  return new PagePromise(async (): Promise<Replied<Page<Item>>> => {
    const { data, response } = await request(client, operation as Operation<Json>, args, options).withResponse();
    const fetchPage = (cursor: string) =>
      pages(client, operation, { ...args, query: { ...args.query, [operation.cursorParam]: cursor } }, options);
    return { data: new Page(data, operation, async (cursor) => fetchPage(cursor)), response };
  });
}
