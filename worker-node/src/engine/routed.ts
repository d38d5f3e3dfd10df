import type { ChatRequest } from './chat-request.ts'
import { type Engine, EngineError, type EngineEvent, type EngineModel } from './engine.ts'

export interface Route {
  /** The name on the network. */
  readonly model: string
  readonly engine: Engine
  /** The engine's own name for it. */
  readonly engineModel: string
  /** For requests that bring none. */
  readonly temperature: number | undefined
}

/** Several models on one node, each at the engine that has it, under the names that the network knows. */
export class RoutedEngine implements Engine {
  readonly kind: Engine['kind']
  readonly #routes: ReadonlyMap<string, Route>
  readonly #engines: ReadonlySet<Engine>

  constructor(routes: readonly Route[]) {
    this.#routes = new Map(routes.map((route) => [route.model, route]))
    this.#engines = new Set(routes.map(({ engine }) => engine))
    this.kind = routes.every(({ engine }) => engine.kind === 'embedded') ? 'embedded' : 'openai'
  }

  /** Of all engines together: a job for one that is full waits there. */
  get slots(): number {
    return [...this.#engines].reduce((sum, { slots }) => sum + slots, 0)
  }

  /** @throws EngineError also when only one of several engines is gone, or lost its model */
  async models(): Promise<EngineModel[]> {
    const known = new Map(
      await Promise.all([...this.#engines].map(async (engine) => [engine, await engine.models()] as const)),
    )
    return [...this.#routes.values()].map(({ model, engine, engineModel }) => {
      const found = known.get(engine)?.find(({ id }) => id === engineModel)
      if (found) return { ...found, id: model }
      const names = (known.get(engine) ?? []).map(({ id }) => id).join(', ') || 'none'
      const what = `the engine has no model ${engineModel}; it has: ${names}. Name one with --engine-model`
      throw new EngineError('unknown-model', what)
    })
  }

  chat(request: ChatRequest, options: { readonly signal: AbortSignal }): AsyncIterable<EngineEvent> {
    const route = this.#routes.get(request.model)
    if (!route) throw new EngineError('unknown-model', 'no engine here has this model')
    const { temperature, engine, engineModel } = route
    return engine.chat({ ...(temperature !== undefined && { temperature }), ...request, model: engineModel }, options)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#engines].map((engine) => engine.close()))
  }
}
