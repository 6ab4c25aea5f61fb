using System.Reflection;
using System.Reflection.Emit;
using Microsoft.Azure.WebJobs;
using Microsoft.Azure.WebJobs.Extensions.DurableTask;

namespace Conformance;

/// <summary>
/// One static method a function of the app, made at start: the WebJobs SDK finds functions by reflection. The Functions host
/// does the same for language workers. A trigger parameter of type string is what makes an orchestrator "out of process" to
/// the Durable extension.
/// </summary>
public sealed class AppFunctions(IReadOnlyList<AppFunction> functions) : ITypeLocator
{
    private readonly Type type = Emit(functions);

    public IReadOnlyList<Type> GetTypes() => [type];

    private static Type Emit(IReadOnlyList<AppFunction> functions)
    {
        var assembly = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName("App"), AssemblyBuilderAccess.Run);
        var owner = assembly.DefineDynamicModule("App")
            .DefineType("App.Functions", TypeAttributes.Public | TypeAttributes.Class);
        foreach (var function in functions)
        {
            switch (function.Kind)
            {
                case "orchestrator":
                    Emit(owner, function, nameof(WorkerCalls.Orchestrator), Attribute<OrchestrationTriggerAttribute>());
                    break;
                case "activity":
                    Emit(owner, function, nameof(WorkerCalls.Activity), Attribute<ActivityTriggerAttribute>());
                    break;
                case "queue":
                    Emit(owner, function, nameof(WorkerCalls.Queue), Attribute<QueueTriggerAttribute>(function.Queue ?? ""));
                    break;
                default:
                    throw new ArgumentException($"{function.Name}: \"{function.Kind}\" is no kind of function.");
            }
        }

        return owner.CreateType();
    }

    /// <summary>A method that calls <see cref="WorkerCalls"/> with the function's name and all of its own arguments.</summary>
    private static void Emit(TypeBuilder owner, AppFunction function, string target, CustomAttributeBuilder trigger)
    {
        var call = typeof(WorkerCalls).GetMethod(target)
            ?? throw new InvalidOperationException($"WorkerCalls has no {target}.");
        var parameters = call.GetParameters()[1..];
        var method = owner.DefineMethod(
            function.Name,
            MethodAttributes.Public | MethodAttributes.Static,
            call.ReturnType,
            [.. parameters.Select(parameter => parameter.ParameterType)]);
        method.SetCustomAttribute(Attribute<FunctionNameAttribute>(function.Name));
        // The trigger's parameter must not have the name of anything that the trigger binds beside it.
        for (var index = 0; index < parameters.Length; index++)
        {
            var parameter = method.DefineParameter(
                index + 1, ParameterAttributes.None, index == 0 ? "triggerValue" : parameters[index].Name);
            if (index == 0)
            {
                parameter.SetCustomAttribute(trigger);
            }
        }

        var body = method.GetILGenerator();
        body.Emit(OpCodes.Ldstr, function.Name);
        for (var index = 0; index < parameters.Length; index++)
        {
            body.Emit(OpCodes.Ldarg, (short)index);
        }

        body.Emit(OpCodes.Call, call);
        body.Emit(OpCodes.Ret);
    }

    private static CustomAttributeBuilder Attribute<T>(params object[] arguments)
        where T : Attribute
    {
        var types = arguments.Select(argument => argument.GetType()).ToArray();
        var constructor = typeof(T).GetConstructor(types)
            ?? throw new InvalidOperationException($"{typeof(T).Name} has no such constructor.");
        return new CustomAttributeBuilder(constructor, arguments);
    }
}
