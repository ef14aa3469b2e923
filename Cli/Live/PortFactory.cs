using System.Globalization;
using Mergeflow.Control;

namespace Mergeflow.Cli;

/// <summary>Makes live ports of what the command line says.</summary>
internal static class PortFactory
{
    private const string Queues = "queues";
    private const string Datapath = "datapath";

    private static readonly string[] s_types = ["system", "tap", "internal"];

    /// <summary>Types that are made before this one is asked: of pairs, of files, of other ports.</summary>
    private static readonly string[] s_others = ["patch", "pcap", "vxlan", "geneve", "gre"];

    /// <summary>A port that opens when the switch is there.</summary>
    /// <exception cref="CommandFailedException">It has a type or an option that there is not.</exception>
    public static WatchedPort Of(PortSpec spec)
    {
        if (!s_types.Contains(spec.Type)) CommandFailedException.ThrowUsage($"--port: {spec.Name}: type '{spec.Type}' is none of {string.Join(", ", [.. s_types, .. s_others])}");
        foreach (string option in spec.Options.Keys.Where(o => o != Queues && (o != Datapath || spec.Type != "system"))) CommandFailedException.ThrowUsage($"--port: {spec.Name}: a {spec.Type} port has no option '{option}'");
        int queues = 1;
        if (spec.Options.TryGetValue(Queues, out string? text) && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out queues) || queues is < 1 or > 64))
            CommandFailedException.ThrowUsage($"--port: {spec.Name}: {Queues}={text}: expected 1 to 64");
        spec.Options.TryGetValue(Datapath, out string? datapath);
        if (datapath is not null && !SystemPort.Datapaths.Contains(datapath))
            CommandFailedException.ThrowUsage($"--port: {spec.Name}: {Datapath}={datapath} is none of {string.Join(", ", SystemPort.Datapaths)}");
        return spec.Type == "system"
            ? new WatchedPort(spec.Name, spec.Number, spec.Type, () => SystemPort.Open(spec.Number, spec.Name, datapath, queues), spec.Name)
            : new WatchedPort(spec.Name, spec.Number, spec.Type, () => TapPort.Open(spec.Number, spec.Name, spec.Type == "internal", queues), null);
    }
}
