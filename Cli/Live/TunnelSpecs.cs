using System.Net;
using System.Net.Sockets;
using Mergeflow.Control;

namespace Mergeflow.Cli;

/// <summary>Tunnel ports of a command line, with the options of <see cref="TunnelPortParser"/>; with <c>dev=NAME</c> addresses and next hop are those that the kernel knows of that device.</summary>
internal static class TunnelSpecs
{
    private const string Device = "dev", Remote = "remote_ip", Flow = "flow";

    private static readonly string[] s_types = ["vxlan", "geneve", "gre"];
    private static readonly string[] s_found = ["addr", "mac", "gw_mac"];

    /// <summary>The port is a tunnel.</summary>
    public static bool Is(PortSpec spec) => s_types.Contains(spec.Type);

    /// <summary>A port of that kind.</summary>
    /// <param name="spec">What the command line says.</param>
    /// <param name="all">All of it, for the names of ports.</param>
    /// <param name="watched">Takes the tunnel if its way has to be found.</param>
    /// <exception cref="CommandFailedException">An option is wrong or missing.</exception>
    public static WatchedPort Of(PortSpec spec, IReadOnlyList<PortSpec> all, Action<WatchedTunnel> watched)
    {
        Dictionary<string, string> options = new(spec.Options);
        bool isFound = options.Remove(Device, out string? device);
        IPAddress? remote = null;
        if (isFound)
        {
            bool isFlow = options.GetValueOrDefault(Remote) == Flow;
            if (!isFlow && !IPAddress.TryParse(options.GetValueOrDefault(Remote), out remote)) CommandFailedException.ThrowUsage($"--port: {spec.Name}: {Device} needs {Remote}=ADDRESS or {Remote}={Flow}");
            AddressFamily family = remote?.AddressFamily ?? (IPAddress.TryParse(options.GetValueOrDefault("local_ip"), out IPAddress? local) ? local.AddressFamily : AddressFamily.InterNetwork);
            foreach (string option in s_found.Where(options.ContainsKey)) CommandFailedException.ThrowUsage($"--port: {spec.Name}: {option} and {Device} exclude each other");
            options["addr"] = family == AddressFamily.InterNetworkV6 ? "::" : "0.0.0.0";
            options["mac"] = options["gw_mac"] = "00:00:00:00:00:00";
        }

        TunnelPort tunnel = Parse(spec, options, all);
        if (isFound) watched(new WatchedTunnel(tunnel, device!, remote));
        return new WatchedPort(spec.Name, spec.Number, spec.Type, () => new TunnelVport(spec.Number, spec.Name, spec.Type, isFound ? null : tunnel), null);
    }

    private static TunnelPort Parse(PortSpec spec, Dictionary<string, string> options, IReadOnlyList<PortSpec> all)
    {
        string text = $"type={spec.Type}{string.Concat(options.Select(static o => $",{o.Key}={o.Value}"))}";
        try
        {
            TunnelPort tunnel = new TunnelPortParser(new PortNames(all.ToDictionary(static p => p.Name, static p => p.Number))).Parse(spec.Number, text);
            if (all.Any(p => p.Number == tunnel.UnderlayPort && !Is(p))) return tunnel;
            throw new CommandFailedException(ExitCode.Usage, $"--port: {spec.Name}: out={tunnel.UnderlayPort} is no port that frames can leave on");
        }
        catch (FlowTextException e)
        {
            throw new CommandFailedException(ExitCode.Usage, $"--port: {spec.Name}: {e.Message}");
        }
    }
}
