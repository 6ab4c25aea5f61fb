using System.Reflection;
using Microsoft.AspNetCore.Mvc.WebApiCompatShim;
using Microsoft.Azure.WebJobs;
using Microsoft.Azure.WebJobs.Extensions.DurableTask;

namespace Conformance;

/// <summary>
/// The extension's own HTTP API on a loopback port, for the local host to forward /runtime/webhooks/durabletask to: the
/// extension answers webhooks as a converter of requests, and the Functions host's web server calls it so.
/// </summary>
public sealed class ManagementApi(WebApplication application) : IAsyncDisposable
{
    public string Url => application.Urls.Single();

    public static async Task<ManagementApi> StartAsync(DurableTaskExtension durable)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var application = builder.Build();
        var converter = (IAsyncConverter<HttpRequestMessage, HttpResponseMessage>)durable;
        application.Run(async context =>
        {
            var request = new HttpRequestMessageFeature(context).HttpRequestMessage;
            using var response = await converter.ConvertAsync(request, context.RequestAborted);
            context.Response.StatusCode = (int)response.StatusCode;
            foreach (var (name, values) in response.Headers.Concat(response.Content.Headers))
            {
                context.Response.Headers[name] = values.ToArray();
            }

            await response.Content.CopyToAsync(context.Response.Body);
        });
        await application.StartAsync();
        return new ManagementApi(application);
    }

    /// <summary>The loopback address that durable-functions' client calls; the extension hands it out by its binding only.</summary>
    public static string RpcBaseUrl(DurableTaskExtension durable)
    {
        const BindingFlags Internal = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;
        var api = typeof(DurableTaskExtension).GetProperty("HttpApiHandler", Internal)?.GetValue(durable)
            ?? throw new MissingMemberException("DurableTaskExtension.HttpApiHandler");
        var method = api.GetType().GetMethod("TryGetRpcBaseUrl", Internal)
            ?? throw new MissingMethodException("HttpApiHandler.TryGetRpcBaseUrl");
        object?[] arguments = [null];
        method.Invoke(api, arguments);
        return arguments[0]?.ToString() ?? throw new InvalidOperationException("The local RPC listener is off.");
    }

    public async ValueTask DisposeAsync() => await application.DisposeAsync();
}
