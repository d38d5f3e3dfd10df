import { base64url, CocoonError, fromBase64url, fromUtf8, utf8 } from '@cocoon/protocol'
import * as v from 'valibot'

/** Tokens are the broker talking to itself: JSON and an HMAC-SHA256 over purpose and JSON, so no storage is read to check one. */
const Session = v.object({
  purpose: v.literal('session'),
  /** `telegram:<id>` or `key:<hex>`; names the user's Account. */
  user: v.string(),
  expires: v.number(),
})
export type Session = v.InferOutput<typeof Session>

/** Lets the browser that signed in go on without new init data, for as long as it holds the key. */
const Renewal = v.object({
  purpose: v.literal('renewal'),
  user: v.string(),
  /** base64url */
  key: v.string(),
  expires: v.number(),
})
export type Renewal = v.InferOutput<typeof Renewal>

const Lease = v.object({
  purpose: v.literal('lease'),
  /** A random UUID. */
  id: v.string(),
  user: v.string(),
  node: v.string(),
  model: v.string(),
  region: v.string(),
  /** True when a matcher keeps a slot for it; false when it only names a candidate, ahead of need. */
  reserved: v.boolean(),
  /** True when a relay gave it instead of taking the job: no relay moves that job again. */
  moved: v.boolean(),
  /** Milliseconds waited in line for it. */
  queued: v.number(),
  expires: v.number(),
})
export type Lease = v.InferOutput<typeof Lease>

const keys = new Map<string, Promise<CryptoKey>>()
function hmacKey(secret: string): Promise<CryptoKey> {
  let key = keys.get(secret)
  if (!key) {
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    key = crypto.subtle.importKey('raw', utf8(secret), algorithm, false, ['sign', 'verify'])
    keys.set(secret, key)
  }
  return key
}

/** `expires` is in Unix seconds. */
export async function issueToken(secret: string, claims: Session | Renewal | Lease): Promise<string> {
  const body = utf8(JSON.stringify(claims))
  const signature = await crypto.subtle.sign('HMAC', await hmacKey(secret), body)
  return `${base64url(body)}.${base64url(new Uint8Array(signature))}`
}

async function readToken<Schema extends v.GenericSchema<unknown, { expires: number }>>(
  secret: string,
  schema: Schema,
  token: string,
  nowSeconds: number,
): Promise<v.InferOutput<Schema> | undefined> {
  const [body, signature, rest] = token.split('.')
  if (!body || !signature || rest !== undefined) return undefined
  try {
    const bytes = fromBase64url(body)
    if (!(await crypto.subtle.verify('HMAC', await hmacKey(secret), fromBase64url(signature), bytes))) return undefined
    const result = v.safeParse(schema, JSON.parse(fromUtf8(bytes)))
    return result.success && result.output.expires > nowSeconds ? result.output : undefined
  } catch {
    return undefined
  }
}

/** @throws CocoonError `signed-out` for a token that is not ours, or whose time is over. */
export async function readSession(secret: string, token: string, nowSeconds: number): Promise<Session> {
  const session = await readToken(secret, Session, token, nowSeconds)
  if (!session) throw new CocoonError('signed-out', 'the session is over: sign in again')
  return session
}

/** @throws CocoonError `sign-in-refused` for a token that is not ours, or whose time is over. */
export async function readRenewal(secret: string, token: string, nowSeconds: number): Promise<Renewal> {
  const renewal = await readToken(secret, Renewal, token, nowSeconds)
  if (!renewal) throw new CocoonError('sign-in-refused', 'the renewal is over: open the app from Telegram again')
  return renewal
}

/** @throws CocoonError `lease-expired` for a token that is not ours, or whose time is over. */
export async function readLease(secret: string, token: string, nowSeconds: number): Promise<Lease> {
  const lease = await readToken(secret, Lease, token, nowSeconds)
  if (!lease) throw new CocoonError('lease-expired', 'the lease is over: match again')
  return lease
}
