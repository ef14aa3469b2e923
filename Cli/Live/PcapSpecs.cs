using Mergeflow.Control;

namespace Mergeflow.Cli;

/// <summary>Ports of a command line whose wire is files: <c>p=1,type=pcap,rx=FILE,tx=FILE</c>.</summary>
internal static class PcapSpecs
{
    /// <summary>Its type.</summary>
    public const string Type = "pcap";

    private const string Rx = "rx", Tx = "tx";

    /// <summary>A port of that kind.</summary>
    /// <exception cref="CommandFailedException">An option is wrong or missing.</exception>
    public static WatchedPort Of(PortSpec spec, int pmds)
    {
        if (spec.Options.Keys.FirstOrDefault(static o => o is not (Rx or Tx)) is string option) CommandFailedException.ThrowUsage($"--port: {spec.Name}: a {Type} port has no option '{option}'");
        string? source = spec.Options.GetValueOrDefault(Rx), target = spec.Options.GetValueOrDefault(Tx);
        if (source is null && target is null) CommandFailedException.ThrowUsage($"--port: {spec.Name}: a {Type} port needs {Rx}=FILE or {Tx}=FILE");
        return new WatchedPort(spec.Name, spec.Number, Type, () => new PcapPort(spec.Number, spec.Name, source, target, pmds), null);
    }
}
