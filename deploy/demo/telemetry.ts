// How the demo's application is instrumented: what any application would write. Where to send, and under which name, comes from
// the standard OTEL_… environment variables.

import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai'
import type { Attributes, Span } from '@opentelemetry/api'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { NodeSDK } from '@opentelemetry/sdk-node'
import OpenAI from 'openai'

/**
 * Traces and logs by OTLP. OpenAI's client is instrumented by OpenInference; Anthropic's makes spans of its own as soon as
 * there is a tracer provider. `shutdown` sends what is left.
 */
export function startTelemetry(): NodeSDK {
  const instrumentation = new OpenAIInstrumentation()
  const sdk = new NodeSDK({
    traceExporter: new OTLPTraceExporter(),
    logRecordProcessors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })],
    instrumentations: [instrumentation],
  })
  sdk.start()
  // An ES module is not patched when it is loaded.
  instrumentation.manuallyInstrument(OpenAI)
  return sdk
}

/** One run of a workflow for a user: the root span that its model calls hang under. */
export async function traceWorkflow<T>(
  workflow: { readonly name: string; readonly user: string; readonly session: string },
  run: (traceId: string) => Promise<T>,
): Promise<T> {
  const attributes = {
    'gen_ai.operation.name': 'invoke_workflow',
    'gen_ai.workflow.name': workflow.name,
    'user.id': workflow.user,
    'gen_ai.conversation.id': workflow.session,
  }
  return traced(`invoke_workflow ${workflow.name}`, SpanKind.INTERNAL, attributes, (span) =>
    run(span.spanContext().traceId),
  )
}

/**
 * A model call that the application traces itself, by the OpenTelemetry conventions: the instrumentation reports no usage for
 * chat streams and embeddings, and no span at all for a call that fails. It is kept silent meanwhile, so that one call is one span.
 */
export async function traceCall<T>(
  call: { readonly operation: 'chat' | 'embeddings'; readonly model: string },
  run: (span: Span) => Promise<T>,
): Promise<T> {
  const attributes = {
    'gen_ai.operation.name': call.operation,
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': call.model,
  }
  return traced(`${call.operation} ${call.model}`, SpanKind.CLIENT, attributes, (span) =>
    context.with(suppressTracing(context.active()), () => run(span)),
  )
}

/** A tool that the application runs for a model. */
export async function traceTool<T>(name: string, run: () => Promise<T>): Promise<T> {
  const attributes = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': name }
  return traced(`execute_tool ${name}`, SpanKind.INTERNAL, attributes, run)
}

function traced<T>(name: string, kind: SpanKind, attributes: Attributes, run: (span: Span) => Promise<T>): Promise<T> {
  return trace.getTracer('support-desk').startActiveSpan(name, { kind, attributes }, async (span) => {
    try {
      return await run(span)
    } catch (error) {
      const { message, name: type } = error instanceof Error ? error : new Error(String(error))
      const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined
      span.setAttribute('error.type', typeof status === 'number' ? String(status) : type)
      span.setStatus({ code: SpanStatusCode.ERROR, message })
      throw error
    } finally {
      span.end()
    }
  })
}
