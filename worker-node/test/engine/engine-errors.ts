import type { EngineErrorCode } from '../../src/engine/engine.ts'

interface EngineErrorFixture {
  readonly engine: string
  readonly about: string
  readonly status: number
  readonly body: unknown
  readonly code: EngineErrorCode
}

const nested = (message: string, type: string, code: number | string | null) => ({
  error: { message, type, param: null, code },
})
/** Before they were nested as OpenAI nests them. */
const flat = (message: string, type = 'BadRequestError', code = 400) => ({
  object: 'error',
  message,
  type,
  param: null,
  code,
})

/**
 * What engines answer when they do not answer, in the shape that their sources give it; where each was read stands beside
 * it. Messages carry the test's secret where an engine quotes the request.
 */
export const engineErrors: readonly EngineErrorFixture[] = [
  // vllm/entrypoints/openai/engine/protocol.py at 040a2cc2 (ErrorInfo: message, type, param, code as a number).
  {
    engine: 'vLLM',
    about: 'a prompt that is too long',
    status: 400,
    body: nested(
      "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4488 in the messages, 512 in the completion). Please reduce the length of the messages or completion. xylophone-4711",
      'BadRequestError',
      400,
    ),
    code: 'context-exceeded',
  },
  {
    engine: 'vLLM',
    about: 'a model that it does not have',
    status: 404,
    body: nested('The model `xylophone-4711` does not exist.', 'NotFoundError', 404),
    code: 'unknown-model',
  },
  // vllm-project/vllm#4667 and #20409, versions 0.4 to 0.9: flat, and a message of its own when the prompt leaves no room.
  {
    engine: 'vLLM 0.4',
    about: 'a prompt that leaves no room',
    status: 400,
    body: flat('max_tokens must be at least 1, got -186.'),
    code: 'context-exceeded',
  },
  {
    engine: 'vLLM 0.9',
    about: 'pictures that are too many',
    status: 400,
    body: flat('The decoder prompt (length 10127) is longer than the maximum model length of 8192.'),
    code: 'context-exceeded',
  },
  // QwenLM/Qwen3#1321, SGLang 0.4: flat.
  {
    engine: 'SGLang',
    about: 'a prompt that is too long',
    status: 400,
    body: flat("The input (61709 tokens) is longer than the model's context length (40960 tokens)."),
    code: 'context-exceeded',
  },
  // serving_base.py at 012bcb5f: whatever breaks, with the words of what broke.
  {
    engine: 'SGLang',
    about: 'a fault of its own',
    status: 500,
    body: flat('Internal server error: xylophone-4711', 'InternalServerError', 500),
    code: 'engine-failed',
  },
  // tools/server of llama.cpp, release v0.4.0 (80fb11ac), as node-llama-cpp 3.21.1 carries it: format_error_response.
  {
    engine: 'llama-server',
    about: 'a prompt that is too long',
    status: 400,
    body: {
      error: {
        code: 400,
        message: 'request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it',
        type: 'exceed_context_size_error',
        n_prompt_tokens: 5000,
        n_ctx: 4096,
      },
    },
    code: 'context-exceeded',
  },
  {
    engine: 'llama-server',
    about: 'its model that still loads',
    status: 503,
    body: { error: { message: 'Loading model', type: 'unavailable_error', code: 503 } },
    code: 'engine-busy',
  },
  {
    engine: 'llama-server',
    about: 'a key that is missing',
    status: 401,
    body: { error: { message: 'Invalid API Key', type: 'authentication_error', code: 401 } },
    code: 'engine-failed',
  },
  {
    engine: 'llama-server',
    about: 'what it was not started for',
    status: 501,
    body: { error: { code: 501, message: 'This server does not support xylophone-4711', type: 'not_supported_error' } },
    code: 'bad-request',
  },
  // openai/openai.go of Ollama at 00988753 (NewError: type by status, code always null).
  {
    engine: 'Ollama',
    about: 'a model that it does not have',
    status: 404,
    body: nested("model 'xylophone-4711' not found", 'not_found_error', null),
    code: 'unknown-model',
  },
  {
    engine: 'Ollama',
    about: 'a model that takes no tools',
    status: 400,
    body: nested('m does not support tools', 'invalid_request_error', null),
    code: 'bad-request',
  },
  {
    engine: 'Ollama',
    about: 'a runner that broke down',
    status: 500,
    body: nested('llama runner process has terminated', 'api_error', null),
    code: 'engine-failed',
  },
  // OpenAI's reference of errors.
  {
    engine: 'OpenAI',
    about: 'a prompt that is too long',
    status: 400,
    body: nested('xylophone-4711', 'invalid_request_error', 'context_length_exceeded'),
    code: 'context-exceeded',
  },
  {
    engine: 'OpenAI',
    about: 'too many requests',
    status: 429,
    body: nested('Rate limit reached', 'requests', 'rate_limit_exceeded'),
    code: 'engine-busy',
  },
]
