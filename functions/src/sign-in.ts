import {
  type Bytes,
  CocoonError,
  equal,
  fromBase64url,
  fromHex,
  hex,
  type Purpose,
  sha256,
  type SignInRequest,
  signInMessage,
  utf8,
  verifySignature,
} from '@cocoon/protocol'
import * as v from 'valibot'
import type { Settings } from './settings.ts'
import { readRenewal } from './token.ts'

/** Telegram says when it signed; older data may have been recorded. Seconds. */
export const SIGN_IN_WINDOW = 5 * 60
/** A phone's clock may be a little ahead of ours. Seconds. */
const CLOCK_SKEW = 60
export const SESSION_SECONDS = 60 * 60
/** How long a browser may renew its session without opening the app from Telegram. */
export const RENEWAL_SECONDS = 30 * 24 * 60 * 60

/** Who signs in, with which key they may renew, and what makes this sign-in unique: it is accepted once. */
export interface SignIn {
  readonly user: string
  /** base64url */
  readonly key: string
  readonly once: string
  /** Who may send it again all the same; null: nobody. */
  readonly holder: string | null
}

/** @throws CocoonError `sign-in-refused`, `malformed` */
export function verifySignIn(
  request: SignInRequest,
  origin: string,
  settings: Settings,
  nowSeconds: number,
): Promise<SignIn> {
  switch (request.method) {
    case 'telegram':
      return verifyInitData(request, settings.BOT_TOKEN, nowSeconds)
    case 'key':
      return verifyKeySignIn(request, origin, nowSeconds)
    case 'renewal':
      return verifyRenewal(request, origin, settings.SESSION_SECRET, nowSeconds)
  }
}

async function hmac(key: Uint8Array<ArrayBuffer>, message: string): Promise<Uint8Array<ArrayBuffer>> {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, utf8(message)))
}

const TelegramUser = v.pipe(v.string(), v.parseJson(), v.object({ id: v.pipe(v.number(), v.safeInteger()) }))

function checkTime(time: number, nowSeconds: number): void {
  if (!Number.isSafeInteger(time) || time > nowSeconds + CLOCK_SKEW || time < nowSeconds - SIGN_IN_WINDOW) {
    throw new CocoonError('sign-in-refused', 'too old or from the future: open the app again, and check the clock')
  }
}

/**
 * Checks Telegram's init data (core.telegram.org/bots/webapps, "Validating data received via the Mini App").
 * @throws CocoonError `sign-in-refused`
 */
async function verifyInitData(
  { initData, key }: Extract<SignInRequest, { method: 'telegram' }>,
  botToken: string,
  nowSeconds: number,
): Promise<SignIn> {
  const refused = (why: string): CocoonError => new CocoonError('sign-in-refused', why)
  const fields = new URLSearchParams(initData)
  const hash = fields.get('hash') ?? ''
  if (!/^[0-9a-f]{64}$/.test(hash)) throw refused('init data carries no hash')
  fields.delete('hash')
  const lines = [...fields].map(([name, value]) => `${name}=${value}`).sort()
  const secret = await hmac(utf8('WebAppData'), botToken)
  if (!equal(await hmac(secret, lines.join('\n')), fromHex(hash))) throw refused('init data is not signed by our bot')
  checkTime(Number(fields.get('auth_date')), nowSeconds)
  const user = v.safeParse(TelegramUser, fields.get('user'))
  if (!user.success) throw refused('init data names no user')
  // Telegram's data is bound to the first key it came with; whoever finds it later has another.
  return { user: `telegram:${user.output.id}`, key, once: hash, holder: key }
}

async function verifyKeySignIn(
  { key, time, signature }: Extract<SignInRequest, { method: 'key' }>,
  origin: string,
  nowSeconds: number,
): Promise<SignIn> {
  checkTime(time, nowSeconds)
  const signed = utf8(signInMessage(origin, time))
  const once = await verifyOnce('cocoon/1 sign-in', key, signature, signed)
  return { user: `key:${hex(fromBase64url(key))}`, key, once, holder: null }
}

async function verifyRenewal(
  { renewal, time, signature }: Extract<SignInRequest, { method: 'renewal' }>,
  origin: string,
  secret: string,
  nowSeconds: number,
): Promise<SignIn> {
  checkTime(time, nowSeconds)
  const { user, key } = await readRenewal(secret, renewal, nowSeconds)
  const signed = utf8(signInMessage(origin, time, renewal))
  return { user, key, once: await verifyOnce('cocoon/1 session renewal', key, signature, signed), holder: null }
}

/** What makes a signature usable once: Ed25519 is deterministic, and ours are checked strictly. */
async function verifyOnce(purpose: Purpose, keyText: string, signatureText: string, signed: Bytes): Promise<string> {
  let key: Bytes, signature: Bytes
  try {
    key = fromBase64url(keyText)
    signature = fromBase64url(signatureText)
  } catch (cause) {
    throw new CocoonError('malformed', 'key and signature are base64url', { cause })
  }
  if (!(await verifySignature(purpose, key, signature, signed))) {
    throw new CocoonError('sign-in-refused', 'the signature is not by this key over this origin and time')
  }
  return hex(await sha256(signed, key))
}
