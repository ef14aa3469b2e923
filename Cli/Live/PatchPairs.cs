using Mergeflow.Control;

namespace Mergeflow.Cli;

/// <summary>Patch ports of a command line, which name each other: <c>a=1,type=patch,peer=b b=2,type=patch,peer=a</c>.</summary>
internal static class PatchPairs
{
    private const string Type = "patch", Peer = "peer";

    /// <summary>All ports, in order.</summary>
    /// <param name="specs">What the command line says.</param>
    /// <param name="pmds">Packet threads of the switch.</param>
    /// <param name="other">Makes ports that are not patch ports.</param>
    /// <exception cref="CommandFailedException">A patch port has no peer that names it, or another option.</exception>
    public static IReadOnlyList<WatchedPort> Of(IReadOnlyList<PortSpec> specs, int pmds, Func<PortSpec, WatchedPort> other)
    {
        Dictionary<string, Func<LivePort>> ends = [];
        List<WatchedPort> ports = [];
        foreach (PortSpec spec in specs)
        {
            if (spec.Type != Type)
            {
                ports.Add(other(spec));
                continue;
            }

            PortSpec peer = PeerOf(spec, specs);
            if (!ends.ContainsKey(spec.Name))
            {
                PatchPort first = new(spec.Number, spec.Name, pmds, mac: 0), second = new(peer.Number, peer.Name, pmds, mac: 0) { Peer = first };
                first.Peer = second;
                ends.Add(spec.Name, () => first);
                ends.Add(peer.Name, () => second);
            }

            ports.Add(new WatchedPort(spec.Name, spec.Number, Type, ends[spec.Name], null));
        }

        return ports;
    }

    private static PortSpec PeerOf(PortSpec spec, IReadOnlyList<PortSpec> specs)
    {
        if (spec.Options.Keys.FirstOrDefault(static o => o != Peer) is string option) CommandFailedException.ThrowUsage($"--port: {spec.Name}: a {Type} port has no option '{option}'");
        string name = spec.Options.GetValueOrDefault(Peer) ?? throw new CommandFailedException(ExitCode.Usage, $"--port: {spec.Name}: a {Type} port needs {Peer}=NAME");
        PortSpec? peer = specs.FirstOrDefault(s => s.Name == name && s.Type == Type && s != spec);
        if (peer?.Options.GetValueOrDefault(Peer) != spec.Name) throw new CommandFailedException(ExitCode.Usage, $"--port: {spec.Name}: {Peer}={name} is no {Type} port that names {spec.Name}");
        return peer!;
    }
}
