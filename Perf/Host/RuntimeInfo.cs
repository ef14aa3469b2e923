using System.Runtime;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mergeflow.Perf;

/// <summary>The .NET runtime and the settings that change speed.</summary>
public sealed record RuntimeInfo
{
    /// <summary>E.g. <c>.NET 10.0.0</c>.</summary>
    public required string Framework { get; init; }

    /// <summary>Runtime identifier.</summary>
    public required string Rid { get; init; }

    /// <summary>Code starts unoptimised and is compiled again when hot.</summary>
    public required bool TieredCompilation { get; init; }

    /// <summary>Hot code is optimised with profiles of the running program.</summary>
    public required bool TieredPgo { get; init; }

    /// <summary>Server garbage collector.</summary>
    public required bool ServerGc { get; init; }

    /// <summary>Concurrent garbage collector.</summary>
    public required bool ConcurrentGc { get; init; }

    /// <summary>Widest vector that the runtime uses, bits.</summary>
    public required int VectorBits { get; init; }

    /// <summary>The program was built with optimisation.</summary>
    public required bool Optimized { get; init; }

    /// <summary>Environment variables that change the runtime, e.g. <c>DOTNET_TieredPGO=0</c>.</summary>
    public required IReadOnlyList<string> Overrides { get; init; }

    /// <summary>Asks the running program.</summary>
    public static RuntimeInfo Probe() => new()
    {
        Framework = RuntimeInformation.FrameworkDescription,
        Rid = RuntimeInformation.RuntimeIdentifier,
        TieredCompilation = Switch("System.Runtime.TieredCompilation", "TieredCompilation"),
        TieredPgo = Switch("System.Runtime.TieredPGO", "TieredPGO"),
        ServerGc = GCSettings.IsServerGC,
        ConcurrentGc = GCSettings.LatencyMode != GCLatencyMode.Batch,
        VectorBits = Avx512F.IsSupported && Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128,
        Optimized = IsOptimized(),
        Overrides = [.. Environment.GetEnvironmentVariables().Keys.Cast<string>().Where(IsOverride).Order().Select(k => $"{k}={Environment.GetEnvironmentVariable(k)}")],
    };

    /// <summary>The environment wins over runtimeconfig.json; without either the runtime's default is on.</summary>
    private static bool Switch(string configName, string environmentName)
    {
        string? value = Environment.GetEnvironmentVariable("DOTNET_" + environmentName);
        if (value is not null) return value.Trim() != "0";
        return !AppContext.TryGetSwitch(configName, out bool on) || on;
    }

    private static bool IsOverride(string name)
        => name.StartsWith("DOTNET_", StringComparison.Ordinal)
        && (name.Contains("Tiered") || name.Contains("TC_") || name.Contains("Enable") || name.Contains("GC") || name.Contains("ReadyToRun") || name.Contains("OSR"));

    private static bool IsOptimized()
        => typeof(Mergeflow.Engine.Runtime.Datapath).Assembly.GetCustomAttributes(typeof(System.Diagnostics.DebuggableAttribute), false)
            .Cast<System.Diagnostics.DebuggableAttribute>().All(d => !d.IsJITOptimizerDisabled);
}
