// Real messages of providers, SDKs and frameworks, and what each was. The words are those of the sources named.

import { describe, expect, test } from 'vitest'
import { failureClass, failureClasses, failureOfFinish } from '../../processors/failure.ts'
import { Bench } from '../batches.ts'
import { type Attributes, tracesRequest } from '../otlp-messages.ts'

interface Case {
  readonly type?: string
  readonly http?: number
  readonly message?: string
  readonly finish?: string
  readonly want: (typeof failureClasses)[number]
}

const openai: readonly Case[] = [
  {
    type: 'openai.RateLimitError',
    message:
      "Error code: 429 - {'error': {'message': 'You exceeded your current quota, please check your plan and billing details.', 'type': 'insufficient_quota', 'param': None, 'code': 'insufficient_quota'}}",
    want: 'rate_limit',
  },
  {
    message: '429 Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000',
    want: 'rate_limit',
  },
  {
    type: 'openai.BadRequestError',
    http: 400,
    message:
      "Error code: 400 - {'error': {'message': \"This model's maximum context length is 128000 tokens. However, your messages resulted in 140012 tokens.\", 'type': 'invalid_request_error', 'param': 'messages', 'code': 'context_length_exceeded'}}",
    want: 'context_length',
  },
  {
    type: 'BadRequestError',
    http: 400,
    message:
      '400 Your request was rejected as a result of our safety system. Your prompt may contain text that is not allowed by our safety system. (content_policy_violation)',
    want: 'content_filter',
  },
  {
    type: 'AuthenticationError',
    message: "Error code: 401 - {'error': {'message': 'Incorrect API key provided: sk-x', 'code': 'invalid_api_key'}}",
    want: 'auth',
  },
  { type: 'APITimeoutError', message: 'Request timed out.', want: 'timeout' },
  { type: 'APIConnectionTimeoutError', message: 'Request timed out.', want: 'timeout' },
  { type: 'openai.APIConnectionError', message: 'Connection error.', want: 'provider_error' },
  { type: 'APIUserAbortError', message: 'Request was aborted.', want: 'cancelled' },
  {
    type: 'openai.InternalServerError',
    message:
      "Error code: 500 - {'error': {'message': 'The server had an error', 'type': 'server_error', 'code': None}}",
    want: 'provider_error',
  },
  { type: 'InternalServerError', http: 504, want: 'timeout' },
  {
    type: 'openai.LengthFinishReasonError',
    message: 'Could not parse response content as the length limit was reached',
    want: 'malformed_output',
  },
  {
    type: 'openai.ContentFilterFinishReasonError',
    message: 'Could not parse response content as the request was rejected by the content filter',
    want: 'content_filter',
  },
  {
    type: 'openai.NotFoundError',
    http: 404,
    message:
      "Error code: 404 - {'error': {'message': 'The model `gpt-9` does not exist or you do not have access to it.', 'type': 'invalid_request_error', 'code': 'model_not_found'}}",
    want: 'other',
  },
  {
    http: 400,
    message: "Invalid schema for response_format 'answer': In context=(), 'additionalProperties' is required",
    want: 'other',
  },
  {
    http: 400,
    message:
      "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.",
    want: 'other',
  },
  { type: 'com.openai.errors.RateLimitException', message: '429: Rate limit reached', want: 'rate_limit' },
  { type: 'com.openai.errors.UnauthorizedException', want: 'auth' },
  { type: 'com.openai.errors.BadRequestException', message: '400: context_length_exceeded', want: 'context_length' },
  {
    type: '*openai.Error',
    message: 'POST "https://api.openai.com/v1/chat/completions": 429 Too Many Requests',
    want: 'rate_limit',
  },
  { type: 'context.deadlineExceededError', message: 'context deadline exceeded', want: 'timeout' },
  { type: '*url.Error', message: 'Post "https://api.openai.com": context deadline exceeded', want: 'timeout' },
  { type: '*errors.errorString', message: 'context canceled', want: 'cancelled' },
  {
    type: 'System.ClientModel.ClientResultException',
    message: 'HTTP 429 (insufficient_quota: insufficient_quota)',
    want: 'rate_limit',
  },
  { type: 'System.Threading.Tasks.TaskCanceledException', message: 'A task was canceled.', want: 'cancelled' },
]

const anthropic: readonly Case[] = [
  {
    type: 'OverloadedError',
    http: 529,
    message: "Error code: 529 - {'type': 'error', 'error': {'type': 'overloaded_error', 'message': 'Overloaded'}}",
    want: 'provider_error',
  },
  {
    message:
      '429 {"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed the rate limit for your organization of 40,000 input tokens per minute."}}',
    want: 'rate_limit',
  },
  {
    type: 'anthropic.BadRequestError',
    message:
      "Error code: 400 - {'type': 'error', 'error': {'type': 'invalid_request_error', 'message': 'prompt is too long: 208310 tokens > 200000 maximum'}}",
    want: 'context_length',
  },
  {
    type: 'BadRequestError',
    message:
      "Error code: 400 - {'error': {'type': 'invalid_request_error', 'message': 'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000'}}",
    want: 'context_length',
  },
  {
    type: 'anthropic.BadRequestError',
    message:
      "Error code: 400 - {'error': {'type': 'invalid_request_error', 'message': 'Your credit balance is too low to access the Anthropic API.'}}",
    want: 'rate_limit',
  },
  {
    message:
      '400 {"type":"error","error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}',
    want: 'content_filter',
  },
  {
    message:
      '400 messages.2: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_01. Each `tool_use` block must have a corresponding `tool_result` block in the next message.',
    want: 'other',
  },
  { type: 'authentication_error', http: 401, message: 'invalid x-api-key', want: 'auth' },
  { type: 'permission_error', want: 'auth' },
  { type: 'timeout_error', want: 'timeout' },
  { type: 'request_too_large', http: 413, want: 'context_length' },
  { type: 'api_error', http: 500, want: 'provider_error' },
  { message: 'AnthropicError: Overloaded', want: 'provider_error' },
]

const clouds: readonly Case[] = [
  {
    type: 'botocore.errorfactory.ThrottlingException',
    message:
      'An error occurred (ThrottlingException) when calling the Converse operation (reached max retries: 4): Too many requests, please wait before trying again.',
    want: 'rate_limit',
  },
  {
    type: 'ClientError',
    message:
      'An error occurred (ModelTimeoutException) when calling the InvokeModel operation: Model has timed out in processing the request.',
    want: 'timeout',
  },
  {
    type: 'botocore.errorfactory.ValidationException',
    message:
      'An error occurred (ValidationException) when calling the Converse operation: Input is too long for requested model.',
    want: 'context_length',
  },
  {
    type: 'botocore.errorfactory.ValidationException',
    message:
      'An error occurred (ValidationException) when calling the Converse operation: The provided model identifier is invalid.',
    want: 'other',
  },
  {
    type: 'AccessDeniedException',
    message: "You don't have access to the model with the specified model ID.",
    want: 'auth',
  },
  {
    type: 'ServiceUnavailableException',
    http: 503,
    message: 'Too many connections, please wait before trying again.',
    want: 'provider_error',
  },
  { type: 'ModelNotReadyException', want: 'provider_error' },
  { type: 'ModelErrorException', http: 424, want: 'provider_error' },
  { type: 'ServiceQuotaExceededException', http: 400, want: 'rate_limit' },
  { type: 'ExpiredTokenException', message: 'The security token included in the request is expired', want: 'auth' },
  { type: 'botocore.exceptions.ReadTimeoutError', message: 'Read timeout on endpoint URL', want: 'timeout' },
  {
    type: 'botocore.exceptions.EndpointConnectionError',
    message: 'Could not connect to the endpoint URL',
    want: 'provider_error',
  },
  { type: 'botocore.exceptions.NoCredentialsError', message: 'Unable to locate credentials', want: 'auth' },
  {
    type: 'google.genai.errors.ClientError',
    message:
      "429 RESOURCE_EXHAUSTED. {'error': {'code': 429, 'message': 'You exceeded your current quota', 'status': 'RESOURCE_EXHAUSTED'}}",
    want: 'rate_limit',
  },
  {
    type: 'google.api_core.exceptions.ResourceExhausted',
    message: '429 Quota exceeded for aiplatform.googleapis.com',
    want: 'rate_limit',
  },
  {
    type: 'google.genai.errors.ServerError',
    message: "503 UNAVAILABLE. {'error': {'message': 'The model is overloaded.'}}",
    want: 'provider_error',
  },
  {
    message:
      '[GoogleGenerativeAI Error]: Error fetching from https://generativelanguage.googleapis.com/v1beta/models/gemini-pro:generateContent: [400 Bad Request] API key not valid. Please pass a valid API key.',
    want: 'auth',
  },
  {
    type: 'google.genai.errors.ClientError',
    message:
      "400 INVALID_ARGUMENT. {'error': {'message': 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).', 'status': 'INVALID_ARGUMENT'}}",
    want: 'context_length',
  },
  {
    type: 'google.generativeai.types.generation_types.BlockedPromptException',
    message: 'prompt_feedback { block_reason: SAFETY }',
    want: 'content_filter',
  },
  { message: 'Candidate was blocked due to RECITATION', want: 'content_filter' },
  { message: 'rpc error: code = DeadlineExceeded desc = context deadline exceeded', want: 'timeout' },
  { message: 'rpc error: code = Unavailable desc = transport is closing', want: 'provider_error' },
  {
    type: 'openai.BadRequestError',
    http: 400,
    message:
      "Error code: 400 - {'error': {'message': \"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.\", 'code': 'content_filter', 'innererror': {'code': 'ResponsibleAIPolicyViolation'}}}",
    want: 'content_filter',
  },
  { http: 404, message: 'DeploymentNotFound: The API deployment for this resource does not exist.', want: 'other' },
]

const others: readonly Case[] = [
  { http: 402, message: 'Insufficient Balance', want: 'rate_limit' },
  { message: 'OpenRouter 402: This request requires more credits, or fewer max_tokens.', want: 'rate_limit' },
  {
    http: 403,
    message: 'Your chosen model requires moderation and your input was flagged for "violence"',
    want: 'content_filter',
  },
  { http: 403, message: 'Forbidden', want: 'auth' },
  { http: 403, message: 'Not today', want: 'auth' },
  {
    http: 400,
    message:
      '{"error":{"message":"Failed to generate JSON.","type":"invalid_request_error","code":"json_validate_failed"}}',
    want: 'schema_violation',
  },
  {
    http: 400,
    message:
      '{"error":{"message":"Failed to call a function.","type":"invalid_request_error","code":"tool_use_failed"}}',
    want: 'tool_error',
  },
  { http: 498, message: '{"error":{"code":"capacity_exceeded"}}', want: 'rate_limit' },
  { type: 'ResponseError', message: 'model requires more system memory (status code: 500)', want: 'provider_error' },
  { http: 500, message: 'the input length exceeds the context length', want: 'context_length' },
  { type: 'cohere.errors.too_many_requests_error.TooManyRequestsError', http: 429, want: 'rate_limit' },
  { type: 'cohere.errors.client_closed_request_error.ClientClosedRequestError', want: 'cancelled' },
  {
    type: 'groq.APIStatusError',
    message: "Error code: 413 - {'error': {'code': 'rate_limit_exceeded'}}",
    want: 'rate_limit',
  },
]

const frameworks: readonly Case[] = [
  {
    type: 'RateLimitError',
    message: 'litellm.RateLimitError: RateLimitError: OpenAIException - Rate limit reached',
    want: 'rate_limit',
  },
  { type: 'litellm.exceptions.ContextWindowExceededError', http: 400, want: 'context_length' },
  { type: 'ContentPolicyViolationError', http: 400, want: 'content_filter' },
  {
    type: 'litellm.exceptions.Timeout',
    message: 'litellm.Timeout: APITimeoutError - Request timed out.',
    want: 'timeout',
  },
  {
    type: 'litellm.exceptions.APIError',
    message: 'litellm.APIError: APIError: GeminiException - 503 UNAVAILABLE',
    want: 'provider_error',
  },
  { type: 'AI_APICallError', message: 'Rate limit reached', want: 'rate_limit' },
  { type: 'AI_RetryError', message: 'Failed after 3 attempts. Last error: Overloaded', want: 'provider_error' },
  {
    type: 'AI_NoObjectGeneratedError',
    message: 'No object generated: could not parse the response.',
    want: 'malformed_output',
  },
  {
    type: 'AI_NoObjectGeneratedError',
    message: 'No object generated: response did not match schema.',
    want: 'schema_violation',
  },
  { type: 'AI_TypeValidationError', message: 'Type validation failed', want: 'schema_violation' },
  { type: 'AI_JSONParseError', want: 'malformed_output' },
  { type: 'AI_NoOutputGeneratedError', message: 'No output generated.', want: 'empty_response' },
  { type: 'AI_InvalidToolInputError', message: 'Invalid input for tool weather', want: 'tool_error' },
  { type: 'AI_LoadAPIKeyError', message: 'OpenAI API key is missing.', want: 'auth' },
  {
    type: 'pydantic_ai.exceptions.UnexpectedModelBehavior',
    message: 'Exceeded maximum retries (1) for output validation',
    want: 'schema_violation',
  },
  {
    type: 'pydantic_ai.exceptions.UnexpectedModelBehavior',
    message: 'Received empty model response',
    want: 'empty_response',
  },
  {
    type: 'pydantic_ai.exceptions.ModelHTTPError',
    message: 'status_code: 429, model_name: gpt-4.1, body: {}',
    want: 'rate_limit',
  },
  {
    type: 'pydantic_ai.exceptions.UsageLimitExceeded',
    message: 'The next request would exceed the request_limit of 5',
    want: 'other',
  },
  {
    type: 'pydantic_core._pydantic_core.ValidationError',
    message: '1 validation error for Answer\nage\n  Input should be a valid integer [type=int_parsing]',
    want: 'schema_violation',
  },
  {
    type: 'json.decoder.JSONDecodeError',
    message: 'Expecting value: line 1 column 1 (char 0)',
    want: 'malformed_output',
  },
  { type: 'SyntaxError', message: 'Unexpected token < in JSON at position 0', want: 'malformed_output' },
  {
    type: 'langchain_core.exceptions.OutputParserException',
    message: 'Could not parse LLM output',
    want: 'malformed_output',
  },
  { type: 'langchain_openai.chat_models.base.OpenAIRefusalError', want: 'refusal' },
  { type: 'langchain_openai.chat_models.base.OpenAIContextOverflowError', want: 'context_length' },
  { type: 'ToolException', message: 'calculator failed', want: 'tool_error' },
  { type: 'agents.exceptions.ModelBehaviorError', want: 'malformed_output' },
  { type: 'agents.exceptions.InputGuardrailTripwireTriggered', want: 'content_filter' },
  { type: 'agents.exceptions.MaxTurnsExceeded', message: 'Max turns (10) exceeded', want: 'other' },
  { message: "Error getting response: {'error': 'Error code: 429 - Rate limit reached'}", want: 'rate_limit' },
  {
    type: 'TransientAiException',
    message: 'HTTP 429 - {"error":{"message":"Rate limit reached"}}',
    want: 'rate_limit',
  },
  { type: 'NonTransientAiException', message: 'HTTP 401 - {"error":{"code":"invalid_api_key"}}', want: 'auth' },
  { type: 'org.springframework.web.client.HttpClientErrorException$TooManyRequests', want: 'rate_limit' },
  { type: 'instructor.core.exceptions.InstructorRetryException', want: 'schema_violation' },
  { type: 'ZodError', want: 'schema_violation' },
]

const runtimes: readonly Case[] = [
  { type: 'asyncio.exceptions.CancelledError', want: 'cancelled' },
  { type: 'asyncio.TimeoutError', want: 'timeout' },
  { type: 'TimeoutError', want: 'timeout' },
  { type: 'httpx.ReadTimeout', message: 'The read operation timed out', want: 'timeout' },
  { type: 'httpx.ConnectError', message: '[Errno 111] Connection refused', want: 'provider_error' },
  {
    type: 'httpx.RemoteProtocolError',
    message: 'peer closed connection without sending complete message body (incomplete chunked read)',
    want: 'provider_error',
  },
  { type: 'AbortError', message: 'This operation was aborted', want: 'cancelled' },
  { type: 'TypeError', message: 'fetch failed', want: 'provider_error' },
  { type: 'ECONNRESET', want: 'provider_error' },
  { type: 'UND_ERR_HEADERS_TIMEOUT', want: 'timeout' },
  { type: 'java.net.SocketTimeoutException', message: 'Read timed out', want: 'timeout' },
  { type: 'java.util.concurrent.CancellationException', want: 'cancelled' },
  { type: 'java.net.UnknownHostException', want: 'provider_error' },
  { type: '429', want: 'rate_limit' },
  { type: '503', want: 'provider_error' },
  { type: '400', want: 'other' },
  { type: '_OTHER', want: 'other' },
  { type: 'ValueError', message: 'temperature must be in [0, 2]', want: 'other' },
  {
    type: 'Error',
    message: `Traceback (most recent call last):\n${'  File "app.py", line 1, in run\n'.repeat(300)}openai.RateLimitError: Error code: 429`,
    want: 'rate_limit',
  },
  { type: 'KeyError', message: "'answer'", want: 'other' },
  { want: 'other' },
  { type: 'error', finish: 'content_filter', want: 'content_filter' },
]

for (const [source, cases] of Object.entries({ openai, anthropic, clouds, others, frameworks, runtimes })) {
  describe(`failures as reported: ${source}`, () => {
    test.each(
      cases.map((each) => [`${each.type ?? ''} ${each.http ?? ''} ${each.message ?? ''}`.trim(), each] as const),
    )('%s', (_, { type = '', http = 0, message = '', finish = '', want }) => {
      expect(failureClass(type, http, message, finish)).toBe(want)
    })
  })
}

test('every class is met by a case', () => {
  const met = new Set([openai, anthropic, clouds, others, frameworks, runtimes].flat().map(({ want }) => want))
  expect(failureClasses.filter((name) => !met.has(name))).toEqual([])
})

describe('finish reasons', () => {
  test.each([
    ['stop', undefined],
    ['length', undefined],
    ['max_tokens', undefined],
    ['MAX_TOKENS', undefined],
    ['end_turn', undefined],
    ['tool_calls', undefined],
    ['tool-calls', undefined],
    ['pause_turn', undefined],
    ['COMPLETE', undefined],
    ['unknown', undefined],
    ['content_filter', 'content_filter'],
    ['content-filter', 'content_filter'],
    ['SAFETY', 'content_filter'],
    ['FinishReason.SAFETY', 'content_filter'],
    ['RECITATION', 'content_filter'],
    ['PROHIBITED_CONTENT', 'content_filter'],
    ['BLOCKLIST', 'content_filter'],
    ['SPII', 'content_filter'],
    ['IMAGE_SAFETY', 'content_filter'],
    ['guardrail_intervened', 'content_filter'],
    ['content_filtered', 'content_filter'],
    ['ERROR_TOXIC', 'content_filter'],
    ['refusal', 'refusal'],
    ['model_context_window_exceeded', 'context_length'],
    ['model_length', 'context_length'],
    ['MALFORMED_FUNCTION_CALL', 'malformed_output'],
    ['malformed_tool_use', 'malformed_output'],
    ['UNEXPECTED_TOOL_CALL', 'tool_error'],
    ['NO_IMAGE', 'empty_response'],
    ['cancelled', 'cancelled'],
    ['insufficient_system_resource', 'provider_error'],
    ['error', 'provider_error'],
    ['OTHER', 'other'],
    ['stop,content_filter', 'content_filter'],
    ['["stop", "refusal"]', 'refusal'],
    ['', undefined],
  ] as const)('%s', (reason, want) => {
    expect(failureOfFinish(reason)).toBe(want)
  })
})

describe('a span and its failure', () => {
  const bench = new Bench()
  const call: Attributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'gpt-4o',
    'gen_ai.provider.name': 'openai',
  }
  const tool: Attributes = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search' }
  const read = (span: object) => {
    const row = bench.rows(tracesRequest({ spans: [span] }))[0]!
    return [row['status'], row['failure_class']]
  }
  const exception = (type: string, message: string) => ({
    name: 'exception',
    attributes: { 'exception.type': type, 'exception.message': message },
  })

  test('an answer that was refused or filtered is no error and has its class', () => {
    const finished = (reason: string) => ({ attributes: { ...call, 'gen_ai.response.finish_reasons': [reason] } })
    expect(read(finished('refusal'))).toEqual(['ok', 'refusal'])
    expect(read(finished('SAFETY'))).toEqual(['ok', 'content_filter'])
    expect(read(finished('length'))).toEqual(['ok', undefined])
  })

  test('an error type, a status or an exception tells a failure where the span’s status is unset', () => {
    expect(read({ attributes: { ...call, 'error.type': 'RateLimitError' } })).toEqual(['error', 'rate_limit'])
    expect(read({ attributes: { ...call, 'http.response.status_code': 503 } })).toEqual(['error', 'provider_error'])
    expect(read({ attributes: call, events: [exception('TimeoutError', '')] })).toEqual(['error', 'timeout'])
    expect(read({ attributes: { ...call, 'http.response.status_code': 200 } })).toEqual(['ok', undefined])
  })

  test('an exception that the call survived is no failure', () => {
    const answered = { ...call, 'gen_ai.usage.input_tokens': 5, 'gen_ai.usage.output_tokens': 3 }
    expect(read({ attributes: answered, events: [exception('RateLimitError', '429')] })).toEqual(['ok', undefined])
    expect(read({ attributes: call, status: { code: 1 }, events: [exception('RateLimitError', '')] })).toEqual([
      'ok',
      undefined,
    ])
  })

  test('a tool’s failure is the tool’s', () => {
    const failed = { attributes: tool, status: { code: 2, message: '429 Too Many Requests' } }
    expect(read(failed)).toEqual(['error', 'tool_error'])
    expect(read({ ...failed, status: { code: 2, message: 'timed out' } })).toEqual(['error', 'timeout'])
  })

  test('a message beside the span’s status is read too', () => {
    expect(read({ attributes: { ...call, 'error.message': 'prompt is too long' }, status: { code: 2 } })).toEqual([
      'error',
      'context_length',
    ])
  })
})
