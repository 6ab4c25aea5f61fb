using System.Net.Http.Json;
using System.Text.Json;
using Newtonsoft.Json;

namespace Conformance;

/// <summary>Hands functions to the local host's worker processes, and makes of their end what the Functions host would.</summary>
public static class WorkerCalls
{
    private static readonly HttpClient Http = new() { Timeout = Timeout.InfiniteTimeSpan };
    private static readonly JsonSerializerSettings KeepDatesAsText = new() { DateParseHandling = DateParseHandling.None };

    /// <summary>Set once, before anything runs.</summary>
    public static string InvokeUrl { get; set; } = "";

    private sealed record Request(string Name, string? Input, string? InstanceId, string? MessageId, long DequeueCount);

    private sealed record Answer(string Kind, string? Json, string? Text, string? Message, string? Stack);

    /// <summary>Called by the functions that <see cref="AppFunctions"/> emits.</summary>
    public static async Task<object?> Orchestrator(string name, string context)
    {
        while (true)
        {
            try
            {
                return await Run(new(name, context, null, null, 0));
            }
            catch (WorkerLostException)
            {
                // A turn has no effect before it has answered: another worker process may begin it again.
                await Task.Delay(TimeSpan.FromMilliseconds(200));
            }
        }
    }

    /// <inheritdoc cref="Orchestrator"/>
    public static Task<object?> Activity(string name, string? input, string instanceId) =>
        Run(new(name, input, instanceId, null, 0));

    /// <inheritdoc cref="Orchestrator"/>
    public static Task Queue(string name, string message, string id, long dequeueCount) =>
        Run(new(name, message, null, id, dequeueCount));

    private static async Task<object?> Run(Request request)
    {
        using var response = await Http.PostAsJsonAsync(InvokeUrl, request, JsonSerializerOptions.Web);
        response.EnsureSuccessStatusCode();
        var answer = await response.Content.ReadFromJsonAsync<Answer>(JsonSerializerOptions.Web);
        return answer switch
        {
            { Kind: "succeeded", Json: not null } => JsonConvert.DeserializeObject(answer.Json, KeepDatesAsText),
            { Kind: "succeeded" } => answer.Text,
            { Kind: "failed" } => throw new WorkerException(answer.Message ?? "", answer.Stack ?? ""),
            // The Functions host fails what ran in a worker process that ended; only a lost host is invisible to an activity.
            _ => throw new WorkerLostException(answer?.Message ?? "The worker process ended."),
        };
    }
}

/// <summary>A failure as the Functions host words what a language worker reports (its RpcException).</summary>
public class WorkerException(string message, string stack)
    : Exception($"Result: Failure\nException: {message}\nStack: {stack}");

/// <summary>The worker process ended while the function ran.</summary>
public sealed class WorkerLostException(string message) : WorkerException(message, "");
