import { CocoonError } from '@cocoon/protocol'
import type { Budget } from './budget.ts'
import { log, logFault } from './log.ts'

/** All windows are minutes. Cloudflare counts in each of its locations, and lets a little more through than it says. */
const MINUTE = 60_000

/**
 * Requests a minute at the doors. wrangler.toml declares the same; a test compares. An address may be a whole town behind
 * a carrier's NAT, so its limits are wide and those of a user, known by then, are close. A node's id in an address is
 * never counted: it is not proven there, so anybody could use up somebody else's.
 */
export const rateLimits = {
  /** What costs no row: models, account, readiness. One look a second is a busy screen; ten behind one address. */
  LIMIT_READ_ADDRESS: 600,
  /** Each makes an account for a fresh key. A hundred people a minute open the app behind one address. */
  LIMIT_SIGN_IN_ADDRESS: 120,
  /** A session lasts an hour; a page that is reloaded again and again signs in each time. Each is a row. */
  LIMIT_SIGN_IN_USER: 60,
  LIMIT_MATCH_ADDRESS: 1_200,
  /** Two a second: with 30 seconds for each lease nobody holds more than 60 slots. The relay counts here when it moves a job. */
  LIMIT_MATCH_USER: 120,
  LIMIT_SOCKET_ADDRESS: 1_200,
  /** As many as matches: a question opens one. */
  LIMIT_SOCKET_USER: 120,
  /** Anybody may knock, and each knock wakes an object. A rack of forty nodes that comes back after a deploy. */
  LIMIT_LINK_ADDRESS: 240,
} as const satisfies Partial<Record<keyof Env, number>>
export type RateLimitName = keyof typeof rateLimits

/** Messages on one socket, each kind with its own; over it the socket is closed with 4429. */
export const socketBudgets = {
  /** open, resume, cancel: 64 jobs a socket, each opened, resumed and cancelled at once. */
  clientControl: { burst: 192, perSecond: 8 },
  /** chunk, read, ack: the pieces of 64 bodies of 8 MiB at once, and a word for every 128 KiB of as many answers. */
  clientData: { burst: 1_024, perSecond: 64 },
  /** A prekey is renewed every five minutes; a node with changing prices, every few seconds. Two rows each. */
  nodeStatement: { burst: 10, perSecond: 0.2 },
  /** Two a job: 256 jobs at once, 64 a second. */
  nodeLoad: { burst: 512, perSecond: 64 },
  /** One a job. */
  nodeRefusal: { burst: 256, perSecond: 64 },
  /** Frames of jobs that nobody knows, which come in numbers only after a long absence. Each is answered. */
  nodeStray: { burst: 1_024, perSecond: 64 },
} as const satisfies Record<string, Budget>
export type SocketBudgetName = keyof typeof socketBudgets

/** Sockets at one relay. */
export const socketLimits = {
  /** Of one user: a question needs one; some tabs, and some that broke without a word. */
  client: 8,
  /** Node sockets that have not said hello: the node's own, and its earlier tries. */
  unjoined: 4,
  /** How long one may take to say it. Milliseconds. */
  hello: 10_000,
} as const

/** True when this is within the limit. A limit that cannot be asked limits nobody: people before protection. */
export async function isWithin(env: Env, name: RateLimitName, key: string): Promise<boolean> {
  try {
    return (await env[name].limit({ key })).success
  } catch (error) {
    logFault('limit.fault', error, { limit: name })
    return true
  }
}

/** @throws CocoonError `rate-limited` */
export async function countAgainst(env: Env, name: RateLimitName, key: string | undefined): Promise<void> {
  if (key === undefined || (await isWithin(env, name, key))) return
  log('limit.reached', { limit: name })
  const retryAfterMs = MINUTE - (Date.now() % MINUTE)
  throw new CocoonError('rate-limited', 'too many requests: wait a little', { retryAfterMs })
}

/**
 * What an address counts as: an IPv6 network of 64 bits is one household. Undefined without Cloudflare in front, and for
 * this machine's own address, which a development server says and Cloudflare never does: only users are counted then.
 */
export function addressOf(header: string | undefined): string | undefined {
  if (!header || header === '::1' || header.startsWith('127.')) return undefined
  if (!header.includes(':')) return header
  const [before = '', after] = header.toLowerCase().split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  const zeros = after === undefined ? 0 : Math.max(0, 8 - head.length - tail.length)
  return [...head, ...Array.from({ length: zeros }, () => '0'), ...tail].slice(0, 4).join(':')
}
