import { OpenAiEngine } from '../../src/engine/openai.ts'
import { conformance } from './conformance.ts'
import { startDemo } from './demo-model.ts'

conformance('the embedded engine', async () => ({ engine: await startDemo({ contextSize: 1024 }), model: 'demo' }))

// Any other engine, with the demonstration model or one that is cleverer:
//   llama-server -m worker-node/demo-model/cocoon-demo.gguf --jinja -np 4 -c 8192 --port 8080
//   CONFORMANCE_URL=http://127.0.0.1:8080 npm test -- --project worker-node conformance
const url = process.env['CONFORMANCE_URL']
if (url) {
  const start = async () => {
    const engine = new OpenAiEngine({ baseUrl: url, idleMs: 30_000, slots: 'auto' })
    const model = process.env['CONFORMANCE_MODEL'] ?? (await engine.models())[0]?.id ?? ''
    return { engine, model }
  }
  conformance(`the engine at ${url}`, start, process.env['CONFORMANCE_ANY_MODEL'] ? { anyModel: true } : {})
}
