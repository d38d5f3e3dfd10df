import {
  base64url,
  createSigner,
  MatchResponse,
  type Signer,
  signFor,
  signInMessage,
  SignInResponse,
  utf8,
} from '@cocoon/protocol'
import { DEMO_MODEL, signInitData } from '@cocoon/localnet'
import * as v from 'valibot'

/** Somebody who is signed in; many of them, so that no limit for one person hides a handler. */
export interface User {
  readonly signer: Signer
  readonly token: string
  readonly renewal: string
}

export async function signInUsers(origin: string, count: number): Promise<User[]> {
  return Promise.all(Array.from({ length: count }, () => signInUser(origin)))
}

async function signInUser(origin: string): Promise<User> {
  const signer = await createSigner()
  const response = await post(origin, '/sign-in', await keySignInBody(origin, signer))
  const { token, renewal } = v.parse(SignInResponse, await response.json())
  return { signer, token, renewal }
}

/** A sign-in that is right, `late` seconds from now. */
export async function keySignInBody(origin: string, signer: Signer, late = 0) {
  const time = Math.floor(Date.now() / 1000) + late
  const signature = base64url(await signFor('cocoon/1 sign-in', signer, utf8(signInMessage(origin, time))))
  return { method: 'key', key: base64url(signer.publicKey), time, signature }
}

/** What a browser sends to renew; the renewal is of a program, so it is refused for what it is. */
export async function renewalBody(origin: string, { signer, renewal }: User) {
  const time = Math.floor(Date.now() / 1000)
  const message = utf8(signInMessage(origin, time, renewal))
  const signature = base64url(await signFor('cocoon/1 session renewal', signer, message))
  return { method: 'renewal', renewal, time, signature }
}

export function telegramBody(signer: Signer, id: number) {
  const user = { id, first_name: 'Fuzz', language_code: 'en' }
  const initData = signInitData(user, Math.floor(Date.now() / 1000))
  return { method: 'telegram', initData, key: base64url(signer.publicKey) }
}

export const matchBody = { model: DEMO_MODEL.id, policy: 'open', exclude: [] as string[] }

/** A lease for this user, or undefined while every slot is taken. */
export async function matchFor(origin: string, user: User): Promise<MatchResponse | undefined> {
  const response = await post(origin, '/match', matchBody, user.token)
  const result = v.safeParse(MatchResponse, await response.json())
  return result.success ? result.output : undefined
}

function post(origin: string, path: string, body: unknown, token?: string): Promise<Response> {
  const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) }
  return fetch(`${origin}/api${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
}
