using System.Text.Json;

namespace Conformance;

/// <summary>The first line on standard input: what the local host wants run.</summary>
/// <param name="Storage">Connection string of the storage account.</param>
/// <param name="InvokeUrl">Where functions are handed to the worker processes.</param>
/// <param name="WebhookUrl">Under which address callers reach Durable's HTTP API: it is what the API's links begin with.</param>
/// <param name="Extensions">host.json's `extensions`, overrides included.</param>
public sealed record EngineStart(
    string Storage, string InvokeUrl, Uri WebhookUrl, JsonElement Extensions, AppFunction[] Functions)
{
    public static EngineStart Parse(string line) =>
        JsonSerializer.Deserialize<EngineStart>(line, JsonSerializerOptions.Web)
        ?? throw new ArgumentException("The first line of standard input must be a JSON object.");
}

/// <param name="Kind">orchestrator, activity or queue</param>
/// <param name="Queue">The queue that triggers it, settings resolved; null for other kinds.</param>
public sealed record AppFunction(string Name, string Kind, string? Queue);
