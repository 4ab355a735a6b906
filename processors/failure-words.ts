// What failures are called: names of exceptions and codes of providers, HTTP statuses, finish reasons, phrases of messages.
//
//   key     a name without case, punctuation and a last `Error` or `Exception`: `RateLimitError` (Python, JavaScript), `RateLimitException`
//           (Java) and `rate_limit_error` (JSON) are all `ratelimit`. Where the ending tells two things apart, it is kept.
//
// Sources: error references of OpenAI, Anthropic, Amazon Bedrock, Gemini, Vertex AI, Azure OpenAI, Cohere, Mistral, Groq, xAI, DeepSeek and
// OpenRouter; exception classes of their SDKs for Python, JavaScript, Java, Go and .NET, of botocore, google-api-core, gRPC, httpx, requests
// and undici; of litellm, LangChain, pydantic-ai, instructor, OpenAI Agents, the Vercel AI SDK, Spring AI and Semantic Kernel (2026-11).

import type { FailureClass } from './failure.ts'

function words(list: string, name: FailureClass): [string, FailureClass][] {
  return list
    .trim()
    .split(/\s+/)
    .map((word) => [word, name])
}

/** An account without money is out of its quota: OpenAI says 429 to it, others 402. */
const rateLimit = `
  ratelimit ratelimitexceeded ratelimited throttling throttled toomanyrequests requestlimitexceeded limitexceeded resourceexhausted
  insufficientquota quotaexceeded servicequotaexceeded quota exceededcurrentquota provisionedthroughputexceeded capacityexceeded
  billing billingnotactive billinghardlimitreached insufficientcredits insufficientbalance paymentrequired tokensperminute slowdown`

const contextLength = `
  contextlengthexceeded contextlength contextwindowexceeded contextwindowoverflow contextoverflow modelcontextwindowexceeded
  exceedcontextsize stringabovemaxlength maxtokensperrequest requesttoolarge payloadtoolarge requestentitytoolarge`

const contentFilter = `
  contentfilter contentfiltered contentfilterfinishreason contentpolicy contentpolicyviolation responsibleaipolicyviolation
  contentmoderation moderation moderationblocked imagegenerationuser safety prohibitedcontent recitation spii blocklist
  blockedprompt stopcandidate datainspectionfailed cyberpolicyviolation guardrailintervened guardrailraised
  inputguardrailtripwiretriggered outputguardrailtripwiretriggered tripwiretriggered`

const auth = `
  authentication auth authorization unauthorized unauthenticated permissiondenied permission forbidden accessdenied notauthorized
  invalidapikey incorrectapikey missingapikey loadapikey apikeyinvalid apikeyexpired invalidauthentication invalidtoken
  accountdeactivated organizationrestricted unrecognizedclient expiredtoken invalidsignature invalidclienttokenid nocredentials
  partialcredentials credentialretrieval credentialunavailable clientauthentication defaultcredentials refresh
  unsupportedcountryregionterritory ipnotauthorized`

const timeout = `
  timeout apitimeout apiconnectiontimeout connecttimeout connectiontimeout readtimeout writetimeout pooltimeout sockettimeout
  modeltimeout deadlineexceeded requesttimeout gatewaytimeout timedout httptimeout httpconnecttimeout etimedout esockettimedout
  underrheaderstimeout underrconnecttimeout underrbodytimeout headerstimeout bodytimeout connecttimeouterror`

const cancelled = `
  cancelled canceled cancellation operationcanceled operationcancelled taskcanceled abort aborted apiuserabort requestaborted
  responseaborted contextcanceled keyboardinterrupt interrupted generatorexit clientdisconnect clientclosedrequest`

const providerError = `
  overloaded engineoverloaded modeloverloaded server internalserver internal internalfailure serviceunavailable unavailable
  badgateway apiconnection connection connect connectionreset connectionrefused connectionaborted connectionclosed remotedisconnected
  remoteprotocol localprotocol protocol incompleteread chunkedencoding read write network endpointconnection clientconnector
  clientpayload serverdisconnected clientos newconnection maxretry proxy ssl socket unknownhost resourceaccess
  econnreset econnrefused econnaborted enotfound epipe eaiagain ehostunreach underrsocket modelerror modelnotready modelstream
  serviceresponse servicerequest webclientrequest midstreamfallback insufficientsystemresource dataloss upstream`

const schemaViolation = `
  validationerror schemavalidation jsonschemavalidation jsonvalidatefailed typevalidation zod valibot pydanticserialization
  constraintviolation outputvalidation responsevalidation apiresponsevalidation instructorretry toolretry`

const malformedOutput = `
  jsondecode jsonparse jsonsyntax jsonprocessing jsonmapping jsonreader malformedfunctioncall malformedmodeloutput
  malformedtooluse malformedresponse outputparser outputparsing lengthfinishreason incompleteoutput modelbehavior
  invalidresponsedata adapterparse`

const toolError = `
  tool toolexecution toolinvocation toolcallerror toolcallfailed toolusefailed nosuchtool toolnotfound invalidtoolinput
  invalidtoolarguments toolcallrepair toolcallexecution mcp mcptoolcall functioninvocation functionexecution
  unexpectedtoolcall toomanytoolcalls dependencyfailed`

const emptyResponse = `
  emptyresponse emptymodelresponse nocontentgenerated nooutputgenerated noimagegenerated nospeechgenerated
  notranscriptgenerated novideogenerated emptyresponsebody noimage`

const refusal = 'refusal refused'

/** An unknown model or a wrong parameter: the caller's mistake, whatever else the message speaks of. */
const other = `
  modelnotfound deploymentnotfound nosuchmodel unsupportedfunctionality unsupportedvalue unsupportedparameter unsupportedparams
  invalidjsonschema invalidfunctionparameters maxturnsexceeded usagelimitexceeded graphrecursion recursion
  attribute import modulenotfound key notfounderror`

export const named: ReadonlyMap<string, FailureClass> = new Map([
  ...words(other, 'other'),
  ...words(rateLimit, 'rate_limit'),
  ...words(contextLength, 'context_length'),
  ...words(contentFilter, 'content_filter'),
  ...words(auth, 'auth'),
  ...words(timeout, 'timeout'),
  ...words(cancelled, 'cancelled'),
  ...words(providerError, 'provider_error'),
  ...words(schemaViolation, 'schema_violation'),
  ...words(malformedOutput, 'malformed_output'),
  ...words(toolError, 'tool_error'),
  ...words(emptyResponse, 'empty_response'),
  ...words(refusal, 'refusal'),
])

/** Who or what raises it says nothing about why: `OpenAIRateLimitError`, `APITimeoutError`, `AI_TypeValidationError`. */
export const sayNothing =
  /^(ai|api|azure|openai|anthropic|google|gemini|vertex|vertexai|genai|bedrock|aws|cohere|mistral|groq|ollama|xai|deepseek|litellm|langchain|llm|chat|completion|model|provider|client|http|https|spring|sdk|gateway|async|upstream)(?=[a-z]{4})/

/** Statuses that say it all. Of the others, 403 is also what a moderation says, 400 and 422 say nothing, and 5xx are looked at last. */
export const byStatus: Readonly<Record<number, FailureClass>> = {
  401: 'auth',
  402: 'rate_limit',
  407: 'auth',
  408: 'timeout',
  413: 'context_length',
  429: 'rate_limit',
  499: 'cancelled',
  504: 'timeout',
  524: 'timeout',
}

/** Finish reasons by their letters alone, so that `SAFETY`, `FinishReason.SAFETY` and `safety` are one. */
export const finishes: ReadonlyMap<string, FailureClass> = new Map([
  ...words(
    `contentfilter contentfiltered safety recitation blocklist prohibitedcontent spii imagesafety imageprohibitedcontent imagerecitation
     modelarmor guardrailintervened guardrailsintervened errortoxic moderation contentpolicy contentpolicyviolation sensitive`,
    'content_filter',
  ),
  ...words('refusal refused', 'refusal'),
  ...words(
    'malformedfunctioncall malformedresponse malformedmodeloutput malformedtooluse missingthoughtsignature',
    'malformed_output',
  ),
  ...words('unexpectedtoolcall toomanytoolcalls', 'tool_error'),
  ...words('modelcontextwindowexceeded contextwindowexceeded modellength errorlimit', 'context_length'),
  ...words('noimage', 'empty_response'),
  ...words('cancelled canceled cancel usercancel abort aborted', 'cancelled'),
  ...words('timeout timelimit', 'timeout'),
  ...words('error failed insufficientsystemresource networkerror', 'provider_error'),
  ...words('other imageother language', 'other'),
])

/** Phrases that no other failure's message has. */
export const sure: readonly (readonly [RegExp, FailureClass])[] = [
  [
    /(maximum|exceeds?|exceeded|over) (the )?(model'?s )?(maximum )?(allowed )?(context|input token|prompt length)|context[ _-]?(length|window|size|limit)|(prompt|input|request|messages?) (is|are|was) too (long|large)|too many (input |total )?tokens|input length|maximum prompt length|reduce the length|longer than the maximum|token count .{0,40}exceeds/i,
    'context_length',
  ],
  [
    /content[ _-]?(filter|policy|management|moderation)|blocked by|flagged|safety (system|setting|filter|reason)|responsible ai|prohibited content|guardrail|violat\w+ .{0,40}polic|usage polic|harm_category|blockreason|block_reason/i,
    'content_filter',
  ],
  [
    /rate.?limit|too.?many.?(requests|connections)|throttl|quota|resource.?exhausted|credit balance|insufficient (balance|credit|funds)|requires more credits|billing|tokens per (minute|day)|requests per (minute|day)/i,
    'rate_limit',
  ],
  [/\brefus(al|ed to (answer|respond|comply|generate|help))|model refused/i, 'refusal'],
]

/** Phrases in the order that decides where a message has several. */
export const likely: readonly (readonly [RegExp, FailureClass])[] = [
  [/time[d ]?[ -]?out|deadline (was )?exceeded|took too long|\betimedout\b/i, 'timeout'],
  [/\bcancell?ed\b|\bcancellation\b|\baborted?\b|interrupted by user|client (closed|disconnected)/i, 'cancelled'],
  [
    /api[ _-]?key|unauthori[sz]ed|unauthenticated|not authori[sz]ed|authenticat|permission|forbidden|access denied|credentials|security token|do not have access/i,
    'auth',
  ],
  [
    /(empty|no) (model )?(response|content|output|completion|candidates|choices)\b|returned nothing|response (is|was) empty/i,
    'empty_response',
  ],
  [
    /(not|n't|failed to) (match|conform|satisfy|validate).{0,40}(schema|type)|schema (validation|violation)|validation errors?|output validation|type validation|result validation|not valid under/i,
    'schema_violation',
  ],
  [
    /tool[ _-]?(call|use|execution|error)?s? .{0,40}(fail|error|not found|unknown|invalid)|(fail\w*|error) .{0,30}\b(tool|function)\b|unknown tool|no such tool/i,
    'tool_error',
  ],
  [
    /(invalid|malformed|unexpected|unterminated|parse|parsing|decode|not valid) .{0,40}json|json .{0,30}(parse|decode|invalid|malformed)|could not (be )?pars|malformed|output parser|unparsable|no object generated|expecting value: line/i,
    'malformed_output',
  ],
  [
    /overloaded|(internal )?server.?error|internal error|unavailable|bad.?gateway|connection|network|fetch failed|socket|econn\w+|enotfound|no such host|name resolution|unexpected eof|peer closed|terminated|at capacity|try again later/i,
    'provider_error',
  ],
]
