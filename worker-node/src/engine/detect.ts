import * as v from 'valibot'

/** Where engines listen unless told otherwise. */
export const USUAL_PORTS = [8000, 30000, 8080, 11434, 1234] as const
/** Milliseconds that an engine on this machine may take to name its models. */
const PATIENCE = 1_500
const MAX_ANSWER = 1024 * 1024

export type EngineKind = 'vLLM' | 'SGLang' | 'llama-server' | 'Ollama' | 'LM Studio' | 'another engine'

export interface DetectedEngine {
  readonly url: string
  readonly kind: EngineKind
  /** `context`: where the engine says it. */
  readonly models: readonly { readonly id: string; readonly context: number | undefined }[]
}

const Models = v.object({
  data: v.nullish(
    v.array(
      v.object({
        id: v.string(),
        owned_by: v.nullish(v.string()),
        max_model_len: v.nullish(v.number()),
        /** llama-server. */
        meta: v.nullish(v.object({ n_ctx: v.nullish(v.number()), n_ctx_train: v.nullish(v.number()) })),
      }),
    ),
  ),
})

/** Who owns a model, in the engines' own words. Others name its maker. */
const owners: Readonly<Record<string, EngineKind>> = {
  vllm: 'vLLM',
  sglang: 'SGLang',
  llamacpp: 'llama-server',
  library: 'Ollama',
  organization_owner: 'LM Studio',
}

/** The engines that answer on this machine's own ports. Nothing but their list of models is asked for. */
export async function detectEngines(ports: readonly number[] = USUAL_PORTS): Promise<DetectedEngine[]> {
  const found = await Promise.all(ports.map((port) => engineAt(`http://127.0.0.1:${port}`, port)))
  return found.filter((engine) => engine !== undefined)
}

async function engineAt(url: string, port: number): Promise<DetectedEngine | undefined> {
  try {
    const options = { redirect: 'error', signal: AbortSignal.timeout(PATIENCE) } as const
    const response = await fetch(`${url}/v1/models`, options)
    if (!response.ok || Number(response.headers.get('content-length') ?? 0) > MAX_ANSWER) return undefined
    const { data } = v.parse(Models, await response.json())
    const kind = owners[data?.[0]?.owned_by ?? ''] ?? (port === 11434 ? 'Ollama' : 'another engine')
    const models = (data ?? []).filter(({ id }) => !/[:-]cloud$/i.test(id))
    return {
      url,
      kind,
      models: models.map(({ id, max_model_len: length, meta }) => ({
        id,
        context: length ?? meta?.n_ctx ?? undefined,
      })),
    }
  } catch {
    // Nothing listens there, or something else does.
    return undefined
  }
}

/** What a model may be called on the network: `Qwen/Qwen3-8B-GGUF` and `qwen3:8b` are both named like `qwen3-8b`. */
export function networkName(engineName: string): string {
  const last = engineName.split('/').at(-1) ?? ''
  const name = last
    .toLowerCase()
    .replace(/\.gguf$/, '')
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .replace(/[^a-z0-9]+$/, '')
  return name.slice(0, 64)
}
