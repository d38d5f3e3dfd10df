import type { Usage } from '../../src/engine/engine.ts'

interface ServerStream {
  readonly server: string
  readonly stream: string
  readonly content: string
  readonly reasoning: string
  readonly finishReason: string
  readonly usage: Usage
  readonly arguments?: string
  /** The call comes in one piece. */
  readonly whole?: true
}

/** Streams in the shape each server sends, its quirks included; the texts are made up. */
export const serverStreams: readonly ServerStream[] = [
  {
    server: 'llama-server',
    stream: [
      'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1,"id":"chatcmpl-a","model":"m","system_fingerprint":"b1","object":"chat.completion.chunk"}',
      'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"reasoning_content":"Thinking 🤔"}}],"created":1,"id":"chatcmpl-a","model":"m","object":"chat.completion.chunk"}',
      'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Grüße, "}}],"created":1,"id":"chatcmpl-a","model":"m","object":"chat.completion.chunk"}',
      'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"日本 😀"}}],"created":1,"id":"chatcmpl-a","model":"m","object":"chat.completion.chunk"}',
      'data: {"choices":[{"finish_reason":"stop","index":0,"delta":{}}],"created":1,"id":"chatcmpl-a","model":"m","object":"chat.completion.chunk"}',
      'data: {"choices":[],"created":1,"id":"chatcmpl-a","model":"m","object":"chat.completion.chunk","usage":{"completion_tokens":9,"prompt_tokens":21,"total_tokens":30,"prompt_tokens_details":{"cached_tokens":5}},"timings":{"prompt_n":16}}',
      'data: [DONE]',
      '',
    ].join('\n\n'),
    content: 'Grüße, 日本 😀',
    reasoning: 'Thinking 🤔',
    finishReason: 'stop',
    usage: { prompt: 16, cached: 5, completion: 9, reasoning: 0 },
  },
  {
    server: 'vLLM',
    stream: [
      'data: {"id":"chatcmpl-b","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null}',
      'data: {"id":"chatcmpl-b","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"reasoning":"Hm."},"logprobs":null,"finish_reason":null,"token_ids":null}]}',
      'data: {"id":"chatcmpl-b","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Yes"},"logprobs":null,"finish_reason":null,"token_ids":null}]}',
      'data: {"id":"chatcmpl-b","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"."},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}]}',
      'data: {"id":"chatcmpl-b","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":40,"total_tokens":52,"completion_tokens":12,"prompt_tokens_details":{"cached_tokens":32},"completion_tokens_details":{"reasoning_tokens":4}}}',
      'data: [DONE]',
      '',
    ].join('\n\n'),
    content: 'Yes.',
    reasoning: 'Hm.',
    finishReason: 'length',
    usage: { prompt: 8, cached: 32, completion: 8, reasoning: 4 },
  },
  {
    server: 'SGLang, calling a tool',
    stream: [
      'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning_content":null,"tool_calls":null},"logprobs":null,"finish_reason":null,"matched_stop":null}],"usage":null}',
      'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":null,"content":null,"reasoning_content":"Look.","tool_calls":null},"finish_reason":null}],"usage":null}',
      'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":null,"tool_calls":[{"id":"call_1","index":0,"type":"function","function":{"name":"look","arguments":""}}]},"finish_reason":null}],"usage":null}',
      'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":null,"tool_calls":[{"id":null,"index":0,"type":"function","function":{"name":null,"arguments":"{\\"at\\":"}}]},"finish_reason":null}],"usage":null}',
      'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":null,"tool_calls":[{"id":null,"index":0,"type":"function","function":{"name":null,"arguments":"\\"日本\\"}"}}]},"finish_reason":null}],"usage":null}',
      'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":null},"finish_reason":"tool_calls","matched_stop":2}],"usage":null}',
      'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":30,"total_tokens":50,"completion_tokens":20,"prompt_tokens_details":null,"reasoning_tokens":3}}',
      'data: [DONE]',
      '',
    ].join('\n\n'),
    content: '',
    reasoning: 'Look.',
    finishReason: 'tool_calls',
    usage: { prompt: 30, cached: 0, completion: 17, reasoning: 3 },
    arguments: '{"at":"日本"}',
  },
  {
    server: 'Ollama, with a proxy that keeps the line alive',
    stream: [
      ': keep-alive',
      'data: {"id":"chatcmpl-9","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning":"So"},"finish_reason":null}]}',
      ': keep-alive',
      'event: message\r\ndata: {"id":"chatcmpl-9","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Привет"},"finish_reason":null}]}',
      'data: {"id":"chatcmpl-9","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop"}]}',
      'data: {"id":"chatcmpl-9","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":4,"total_tokens":15}}',
      'data: [DONE]',
      '',
    ].join('\r\n\r\n'),
    content: 'Привет',
    reasoning: 'So',
    finishReason: 'stop',
    usage: { prompt: 11, cached: 0, completion: 4, reasoning: 0 },
  },
  {
    // openai/openai.go at 00988753: whole calls in one delta, an empty text beside them, `tool_calls` only with the last
    // chunk; neither cached nor reasoning tokens in the usage.
    server: 'Ollama, calling a tool',
    stream: [
      'data: {"id":"chatcmpl-9","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":"","tool_calls":[{"id":"call_1","index":0,"type":"function","function":{"name":"look","arguments":"{\\"at\\":\\"a\\"}"}}]},"finish_reason":null}]}',
      'data: {"id":"chatcmpl-9","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"tool_calls"}]}',
      'data: {"id":"chatcmpl-9","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"fp_ollama","choices":[],"usage":{"prompt_tokens":50,"completion_tokens":14,"total_tokens":64}}',
      'data: [DONE]',
      '',
    ].join('\n\n'),
    content: '',
    reasoning: '',
    finishReason: 'tool_calls',
    usage: { prompt: 50, cached: 0, completion: 14, reasoning: 0 },
    arguments: '{"at":"a"}',
    whole: true,
  },
  {
    // entrypoints/openai/usage_processor.py at 056c7ec2: cached tokens only where there are any and the server was started
    // with --enable-cache-report, images among the details, reasoning tokens beside them.
    server: 'SGLang, with a picture and a cached beginning',
    stream: [
      'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning_content":null,"tool_calls":null},"logprobs":null,"finish_reason":null,"matched_stop":null}],"usage":null}',
      'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":null,"content":"A cat","reasoning_content":null,"tool_calls":null},"finish_reason":null}],"usage":{"prompt_tokens":300,"total_tokens":302,"completion_tokens":2,"prompt_tokens_details":null,"reasoning_tokens":0,"completion_tokens_details":null}}',
      'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":null},"finish_reason":"stop","matched_stop":151645}],"usage":null}',
      'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":300,"total_tokens":303,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":64,"image_tokens":256},"reasoning_tokens":0,"completion_tokens_details":{"accepted_prediction_tokens":1,"rejected_prediction_tokens":2}}}',
      'data: [DONE]',
      '',
    ].join('\n\n'),
    content: 'A cat',
    reasoning: '',
    finishReason: 'stop',
    usage: { prompt: 236, cached: 64, completion: 3, reasoning: 0 },
  },
  {
    // entrypoints/openai/engine/protocol.py at 040a2cc2: usage without details unless started with
    // --enable-prompt-tokens-details, and with every chunk where continuous_usage_stats was asked for.
    server: 'vLLM, that counts as it goes',
    stream: [
      'data: {"id":"chatcmpl-b","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":7,"total_tokens":7,"completion_tokens":0}}',
      'data: {"id":"chatcmpl-b","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"One two"},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":7,"total_tokens":9,"completion_tokens":2}}',
      'data: {"id":"chatcmpl-b","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":""},"logprobs":null,"finish_reason":"stop","stop_reason":null}],"usage":{"prompt_tokens":7,"total_tokens":10,"completion_tokens":3}}',
      'data: {"id":"chatcmpl-b","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":7,"total_tokens":10,"completion_tokens":3}}',
      'data: [DONE]',
      '',
    ].join('\n\n'),
    content: 'One two',
    reasoning: '',
    finishReason: 'stop',
    usage: { prompt: 7, cached: 0, completion: 3, reasoning: 0 },
  },
  {
    // OpenAI's own reference: a refusal stands in a field of its own where a schema was asked for.
    server: 'OpenAI, declining',
    stream: [
      'data: {"id":"chatcmpl-d","object":"chat.completion.chunk","created":1,"model":"m","service_tier":"default","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x"}',
      'data: {"id":"chatcmpl-d","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"refusal":"I cannot."},"logprobs":null,"finish_reason":null}],"usage":null}',
      'data: {"id":"chatcmpl-d","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}',
      'data: {"id":"chatcmpl-d","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":20,"completion_tokens":8,"total_tokens":28,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}',
      'data: [DONE]',
      '',
    ].join('\n\n'),
    content: 'I cannot.',
    reasoning: '',
    finishReason: 'stop',
    usage: { prompt: 20, cached: 0, completion: 8, reasoning: 0 },
  },
]
