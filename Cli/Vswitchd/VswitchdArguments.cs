using Mergeflow.Control.Bridges;
using Mergeflow.Control.OpenFlow;
using Mergeflow.Control.Ovsdb;

namespace Mergeflow.Cli;

/// <summary>What <c>mergeflow vswitchd</c> is told, put together.</summary>
internal sealed record VswitchdArguments
{
    /// <summary>Server of the database.</summary>
    public required OvsdbRemote Database { get; init; }

    /// <summary>Whose answers datapaths repeat; null = as their types ask.</summary>
    public Quirks? Quirks { get; init; }

    /// <summary>What ports without devices stand for.</summary>
    public DummyMode Dummies { get; init; }

    /// <summary>Devices of the kernel are no ports.</summary>
    public bool IsSystemDisabled { get; init; }

    /// <summary>Routes of the kernel do not lead tunnels.</summary>
    public bool IsSystemRouteDisabled { get; init; }

    /// <summary>Null = none.</summary>
    public string? PidFile { get; init; }

    /// <summary>Null = none.</summary>
    public string? LogFile { get; init; }

    /// <summary>Path of the control socket.</summary>
    public required string Unixctl { get; init; }

    /// <summary>Keys for connections by TLS; null = none.</summary>
    public OfTlsFiles? Tls { get; init; }

    /// <summary>Sockets that the database names are kept to the run folder.</summary>
    public bool IsConfined { get; init; } = true;

    /// <summary>Levels of log lines, in order.</summary>
    public IReadOnlyList<string> Verbosity { get; init; } = [];

    /// <summary>Memory is not swapped out.</summary>
    public bool LocksMemory { get; init; }

    /// <summary>Goes into the background once it runs.</summary>
    public bool IsDetached { get; init; }

    /// <summary>Another process starts it again when it fails.</summary>
    public bool IsMonitored { get; init; }

    /// <summary>Stays in its folder in the background.</summary>
    public bool StaysInFolder { get; init; }

    /// <summary>Memory nodes of processors that are said to be there; null = those that there are.</summary>
    public string? DummyNuma { get; init; }
}
