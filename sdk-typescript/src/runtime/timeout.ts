/** The four deadlines. Start at `Timeouts`. */

/** Which of the four passed. */
export type Deadline = 'connect' | 'first_event' | 'idle' | 'total';

/** Four deadlines, in milliseconds. `Infinity` turns one off. */
export interface Timeouts {
  /**
   * Name look-up, TCP and TLS, per attempt. Only Node tells when a connection is made; elsewhere `firstEventMs` and
   * `totalMs` cover it. Taken when the client is made: connections are shared.
   * @default 5000
   */
  connectMs?: number | undefined;
  /** Streams: from sending the request to the first event, per attempt. @default 120000 */
  firstEventMs?: number | undefined;
  /**
   * Streams: silence between two events; other replies: between two pieces of the body. Comments such as `: keep-alive`
   * are no events: they show that a proxy is alive, not that the model is. Time that the caller spends before asking for
   * the next event does not count.
   * @default 60000
   */
  idleMs?: number | undefined;
  /** The whole call, with its retries and, for a stream, up to its last event. @default 600000 */
  totalMs?: number | undefined;
}

/** All four, set. */
export type AllTimeouts = { readonly [Name in keyof Timeouts]-?: number };

export const descriptions: Record<Deadline, string> = {
  connect: 'the connection was not made in time',
  first_event: 'the first event did not come in time',
  idle: 'the reply fell silent',
  total: 'the call took too long in all',
};

/** A number is the total. What is not set comes from `base`. */
export function timeoutsOf(value: number | Timeouts | undefined, base: AllTimeouts): AllTimeouts {
  const set = typeof value === 'number' ? { totalMs: value } : value;
  return {
    connectMs: set?.connectMs ?? base.connectMs,
    firstEventMs: set?.firstEventMs ?? base.firstEventMs,
    idleMs: set?.idleMs ?? base.idleMs,
    totalMs: set?.totalMs ?? base.totalMs,
  };
}

/** The clock of deadlines, in milliseconds: never set back. */
export const now = (): number => performance.now();

/** One timer for a whole call. It is left where it is until it fires, and only then set to the deadline that holds by now. */
export class Alarm {
  private at = Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private timerAt = Infinity;

  constructor(private readonly ring: () => void) {}

  /** Rings at this time and not at the one that was set before. `Infinity`: not at all. */
  set(at: number): void {
    this.at = at;
    // An earlier deadline cannot wait for the later one to fire.
    if (at < this.timerAt) this.start();
  }

  /** To be called in the end. */
  clear(): void {
    this.at = Infinity;
    clearTimeout(this.timer);
    this.timerAt = Infinity;
  }

  private start(): void {
    clearTimeout(this.timer);
    this.timerAt = this.at;
    // A timer cannot be set further ahead than this.
    const wait = Math.min(this.at - now(), 2 ** 31 - 1);
    this.timer = setTimeout(() => {
      this.timerAt = Infinity;
      if (now() >= this.at) this.ring();
      else if (this.at < Infinity) this.start();
    }, wait);
    // A stream that was dropped must not keep a program alive; one that is waited for does so by its connection.
    (this.timer as { unref?: () => void }).unref?.();
  }
}
