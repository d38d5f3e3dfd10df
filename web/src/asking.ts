import type { AskEvent as ClientEvent, AskOptions, KeptAnswer, ResumeOptions } from '@cocoon/client'
import type { Reappraise } from './proof-sheet.tsx'

type Sealed = Extract<ClientEvent, { type: 'sealed' }>
/** As the client's; a proof is text here, which is kept with the answer. */
export type AskEvent = Exclude<ClientEvent, Sealed> | (Omit<Sealed, 'proof'> & { readonly proof?: string })

/** Why a machine was refused: the check that failed, by name, and its code. With the proof of it. */
export interface Refusal {
  readonly step: string
  readonly code: string
  readonly proof: string
}

export type { AskOptions, ChatMessage, KeptAnswer, NodeView, ResumeOptions } from '@cocoon/client'

export interface Model {
  readonly id: string
  readonly name: string
  readonly about: string
  /** Machines that serve it now, and their free places. */
  readonly nodes: number
  readonly free: number
  /** Tokens it can hold at once. */
  readonly context: number
  /** Nanograms per million tokens; null while no machine serves it. */
  readonly price: {
    readonly prompt: string
    readonly cached: string
    readonly completion: string
    readonly reasoning: string
  } | null
}

/** Free questions left, of how many, and when they come back (Unix seconds). */
export interface Trial {
  readonly left: number
  readonly of: number
  readonly renews: number
}

/** All the screens know of the world behind them. `cocoon.ts` adapts the real client to it. */
export interface Asking {
  models(): Promise<readonly Model[]>
  trial(): Promise<Trial>
  ask(options: AskOptions): AsyncIterable<AskEvent>
  /** Goes on with an answer: what is kept of it first. */
  resume(kept: KeptAnswer, options: ResumeOptions): AsyncIterable<AskEvent>
  /** Does ahead of need what needs no question. May fail, which changes nothing. */
  prepare(model: string, exclude: readonly string[]): Promise<void>
  /** Writes the records of answers under way now. */
  flush(): Promise<void>
  /** The network or the device came back. */
  wake(): void
  /** Makes an appraisal again, from the proof that was kept. */
  reappraise: Reappraise
  /** The network is localnet: nodes are not attested. */
  readonly development: boolean
}

/** The client is loaded at first need; a connection that failed may be tried again. */
export type Connect = () => Promise<Asking>
