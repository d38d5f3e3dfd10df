import {
  type AskEvent as ClientEvent,
  createClient,
  keySignIn,
  MachineRefused,
  type SeenMemory,
  type SignIn,
  telegramSignIn,
  verifyProof,
} from '@cocoon/client'
import { base64url, type Bytes, fromBase64url, hex, type NetworkName, networks } from '@cocoon/protocol'
import { evidenceDigest, readProof, writeProof } from '@cocoon/protocol/appraisal'
import type { AskEvent, Asking, Refusal } from './asking.ts'
import { deviceSigner } from './device-key.ts'
import { personOf } from './person.ts'
import type { Reappraised } from './proof-sheet.tsx'

/** Built in (vite.config.ts): a page never learns from a server which network to believe in. */
declare const __NETWORK__: NetworkName

const RENEWAL = 'cocoon.renewal'

/** A renewal belongs to the person it was given to; another one in the same browser starts anew. */
function renewalOf(person: string): { readonly kept: string | undefined; readonly remember: (text: string) => void } {
  const slot = `${RENEWAL}.${person}`
  let kept: string | undefined
  try {
    kept = localStorage.getItem(slot) ?? undefined
  } catch {
    // Storage may be switched off: then every visit signs in anew.
  }
  const remember = (renewal: string): void => {
    try {
      localStorage.setItem(slot, renewal)
    } catch {
      // As above; and it may be full.
    }
  }
  return { kept, remember }
}

/**
 * Telegram's init data signs in once, then this browser's key renews. Opened in an ordinary browser the key alone signs
 * in; a broker may give such users nothing for free.
 */
async function signInOf(initData: string | undefined): Promise<SignIn> {
  const signer = await deviceSigner()
  if (!initData) return keySignIn(signer)
  const { kept, remember } = renewalOf(personOf(initData))
  return telegramSignIn(initData, signer, kept, remember)
}

const SEEN = 'cocoon.seen'

/** No secret: numbers and digests of the newest registry statement and stamp that this device saw. */
const seenMemory: SeenMemory = {
  async load(): Promise<Bytes | null> {
    const kept = localStorage.getItem(SEEN)
    return kept === null ? null : fromBase64url(kept)
  },
  async save(seen: Bytes): Promise<void> {
    localStorage.setItem(SEEN, base64url(seen))
  },
}

/** The client's events with proofs as text; a refused machine's error says which check it was. */
async function* asTold(events: AsyncIterable<ClientEvent>): AsyncGenerator<AskEvent> {
  try {
    for await (const event of events) {
      if (event.type !== 'sealed') yield event
      else {
        const { proof, ...sealed } = event
        yield proof ? { ...sealed, proof: writeProof(proof) } : sealed
      }
    }
  } catch (error) {
    throw error instanceof MachineRefused ? Object.assign(error, { refusal: refusalOf(error) }) : error
  }
}

function refusalOf({ appraisal, proof }: MachineRefused): Refusal {
  const step = appraisal.steps.find(({ status }) => status === 'failed')?.name ?? ''
  return { step, code: appraisal.code, proof: writeProof(proof) }
}

async function reappraise(text: string): Promise<Reappraised> {
  const { collateral, standing, ...proof } = readProof(text)
  if (!collateral || !standing) throw new RangeError('the proof lacks collateral or the registry statement')
  const { at } = proof
  const { appraisal } = await verifyProof({
    proof: { ...proof, collateral, standing },
    network: networks[__NETWORK__],
    at,
  })
  const proven = appraisal.developmentMachine ? 'development' : 'private'
  return {
    standing: appraisal.verdict === 'private' ? proven : 'refused',
    at,
    steps: appraisal.steps.map(({ name, status, code, detail }) => ({ name, status, code, detail })),
    evidence: hex(await evidenceDigest(proof.evidence)),
  }
}

/** Loaded with `import()` at first need, so that sealing and signing stay out of the first paint. */
export async function createAsking(initData: string | undefined): Promise<Asking> {
  const signIn = await signInOf(initData)
  const client = createClient({ origin: location.origin, network: __NETWORK__, signIn, memory: seenMemory })
  return {
    development: __NETWORK__ === 'localnet',
    models: () => client.models(),
    trial: () => client.trial(),
    ask: (options) => asTold(client.ask(options)),
    resume: (kept, options) => asTold(client.resume(kept, options)),
    reappraise,
    prepare: (model, exclude) => client.prepare(model, exclude),
    flush: () => client.flush(),
    wake: () => client.wake(),
  }
}
