using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using Mergeflow.Native;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// Has the runtime compile the methods of the engine before packets ask for them. It compiles a method when it is called for the first time, on the thread that calls it: a packet thread stood still for 6 to 10 ms when
/// the first megaflow expired, however long it had run. Generic methods stay as they are; programs that were compiled ahead of time have nothing to do here.
/// </summary>
public static class CompileAhead
{
    private static int s_begun;

    /// <summary>On a thread of its own, once per process. Returns at once.</summary>
    public static void Begin()
    {
        if (!RuntimeFeature.IsDynamicCodeCompiled || Interlocked.Exchange(ref s_begun, 1) != 0) return;
        new Thread(static () => Run()) { Name = "compile-ahead", IsBackground = true }.Start();
    }

    /// <summary>The same on the calling thread; how many methods it were.</summary>
    public static int Run() => RuntimeFeature.IsDynamicCodeCompiled ? Of(typeof(CompileAhead).Assembly) + Of(typeof(TscClock).Assembly) : 0;

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Not reached in programs that are trimmed: they are compiled ahead of time.")]
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "As above.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "As above.")]
    private static int Of(Assembly assembly)
    {
        const BindingFlags own = BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
        int count = 0;
        foreach (Type type in assembly.GetTypes())
        {
            if (type.ContainsGenericParameters) continue;
            foreach (MethodBase method in type.GetMembers(own).OfType<MethodBase>())
            {
                if (method.IsAbstract || method.ContainsGenericParameters || method.MethodImplementationFlags.HasFlag(MethodImplAttributes.InternalCall) || method.GetMethodBody() is null) continue;
                try
                {
                    RuntimeHelpers.PrepareMethod(method.MethodHandle);
                    count++;
                }
                catch (Exception e) when (e is not OutOfMemoryException)
                {
                    // Whoever calls it is told; nobody may.
                }
            }
        }

        return count;
    }
}
