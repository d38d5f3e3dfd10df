import {
  CocoonError,
  equal,
  fromBase64url,
  fromHex,
  hex,
  sha256,
  type SignInRequest,
  signInMessage,
  utf8,
  verifySignature,
} from '@cocoon/protocol'
import * as v from 'valibot'

/** Telegram says when it signed; older data may have been recorded. Seconds. */
export const SIGN_IN_WINDOW = 5 * 60
/** A phone's clock may be a little ahead of ours. Seconds. */
const CLOCK_SKEW = 60
export const SESSION_SECONDS = 60 * 60

/** Who signs in, and what makes this sign-in unique: it is accepted once. */
export interface SignIn {
  readonly user: string
  readonly kind: 'telegram' | 'key'
  readonly once: string
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
export async function verifyInitData(initData: string, botToken: string, nowSeconds: number): Promise<SignIn> {
  const refused = (why: string): CocoonError => new CocoonError('sign-in-refused', why)
  const fields = new URLSearchParams(initData)
  const hash = fields.get('hash') ?? ''
  if (!/^[0-9a-f]{64}$/.test(hash)) throw refused('init data carries no hash')
  fields.delete('hash')
  const lines = [...fields].map(([name, value]) => `${name}=${value}`).sort()
  const key = await hmac(utf8('WebAppData'), botToken)
  if (!equal(await hmac(key, lines.join('\n')), fromHex(hash))) throw refused('init data is not signed by our bot')
  checkTime(Number(fields.get('auth_date')), nowSeconds)
  const user = v.safeParse(TelegramUser, fields.get('user'))
  if (!user.success) throw refused('init data names no user')
  return { user: `telegram:${user.output.id}`, kind: 'telegram', once: hash }
}

/** @throws CocoonError `sign-in-refused` */
export async function verifyKeySignIn(
  request: Extract<SignInRequest, { method: 'key' }>,
  origin: string,
  nowSeconds: number,
): Promise<SignIn> {
  checkTime(request.time, nowSeconds)
  let key, signature
  try {
    key = fromBase64url(request.key)
    signature = fromBase64url(request.signature)
  } catch (cause) {
    throw new CocoonError('malformed', 'key and signature are base64url', { cause })
  }
  if (!(await verifySignature('cocoon/1 sign-in', key, signature, utf8(signInMessage(origin, request.time))))) {
    throw new CocoonError('sign-in-refused', `the signature is not by this key over this origin (${origin}) and time`)
  }
  return { user: `key:${hex(key)}`, kind: 'key', once: hex(await sha256(signature)) }
}
