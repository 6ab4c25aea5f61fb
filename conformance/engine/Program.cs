using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Conformance;
using Microsoft.Azure.WebJobs;
using Microsoft.Azure.WebJobs.Extensions.DurableTask;
using Microsoft.Azure.WebJobs.Host;
using Microsoft.Azure.WebJobs.Host.Config;
using Microsoft.Extensions.Logging.Console;

#pragma warning disable CS0618 // IWebHookProvider: the extension still asks for it, and the Functions host supplies it.

// Runs Microsoft's Durable Task extension for the local host: start on the first line of standard input, `stop` to end in good
// order; its end without that is the host's death, and this process dies at once. See ../README.md.
var start = EngineStart.Parse(Console.In.ReadLine() ?? "");
// Heard from the first moment on: a host that dies while this process starts or stops must not leave it behind.
var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
new Thread(() =>
{
    while (Console.In.ReadLine() is { } line)
    {
        if (line == "stop")
        {
            stop.TrySetResult();
        }
    }

    Process.GetCurrentProcess().Kill();
}) { IsBackground = true }.Start();
WorkerCalls.InvokeUrl = start.InvokeUrl;
Environment.SetEnvironmentVariable("FUNCTIONS_WORKER_RUNTIME", "node");

var settings = new MemoryStream(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new
{
    AzureWebJobsStorage = start.Storage,
    AzureWebJobs = new { extensions = start.Extensions },
})));

using var host = new HostBuilder()
    .UseEnvironment("Development")
    .ConfigureAppConfiguration(configuration => configuration.AddJsonStream(settings))
    .ConfigureWebJobs(builder => builder
        .AddAzureStorageCoreServices()
        .AddAzureStorageQueues()
        .AddDurableTask())
    .ConfigureServices(services => services
        .AddSingleton<ITypeLocator>(new AppFunctions(start.Functions))
        .AddSingleton<IWebHookProvider>(new WebhookAddress(start.WebhookUrl))
        // Standard output is for the local host.
        .Configure<ConsoleLoggerOptions>(options => options.LogToStandardErrorThreshold = LogLevel.Trace)
        .Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(10)))
    .ConfigureLogging(logging => logging
        .SetMinimumLevel(LogLevel.Warning)
        // Storage's client warns of every queue that is not there yet.
        .AddFilter("Azure.Core", LogLevel.Error)
        .AddSimpleConsole(console => console.SingleLine = true))
    .Build();

var durable = host.Services.GetServices<IExtensionConfigProvider>().OfType<DurableTaskExtension>().Single();
TimerLimits.Apply(durable, start.Extensions);
await host.StartAsync();
await using var api = await ManagementApi.StartAsync(durable);
Console.WriteLine(JsonSerializer.Serialize(
    new { ready = true, managementUrl = api.Url, rpcBaseUrl = ManagementApi.RpcBaseUrl(durable) }));

await stop.Task;
await host.StopAsync();
return;

internal sealed class WebhookAddress(Uri address) : IWebHookProvider
{
    public Uri GetUrl(IExtensionConfigProvider extension) => address;
}
