using System.Globalization;

namespace Mergeflow.Cli;

/// <summary>A port as the command line says it: <c>NAME=NUMBER[,type=TYPE][,OPTION=VALUE]...</c>.</summary>
/// <param name="Name">In the switch; of a system port the network device.</param>
/// <param name="Number">OpenFlow number.</param>
/// <param name="Type">What is behind it.</param>
/// <param name="Options">What it needs to know.</param>
internal sealed record PortSpec(string Name, uint Number, string Type, IReadOnlyDictionary<string, string> Options)
{
    /// <summary>As <c>--help</c> shows it.</summary>
    public const string Syntax = "NAME=N[,type=TYPE][,OPTION=VALUE]..";

    /// <summary>Reads those of a command line: names and numbers are unique.</summary>
    /// <exception cref="CommandFailedException">One cannot be.</exception>
    public static IReadOnlyList<PortSpec> Parse(IEnumerable<string> texts)
    {
        PortSpec[] ports = [.. texts.Select(Parse)];
        if (PortList.Fault([.. ports.Select(static p => (p.Name, p.Number))]) is string fault) CommandFailedException.ThrowUsage($"--port: {fault}");
        return ports;
    }

    /// <summary>The ports of a config: devices, and tunnels where it says so.</summary>
    /// <exception cref="CommandFailedException">A tunnel has no port of its name.</exception>
    public static IReadOnlyList<PortSpec> Of(IReadOnlyList<(string Name, uint Number)> ports, IReadOnlyList<(string Port, string Options)> tunnels)
    {
        foreach ((string name, _) in tunnels)
        {
            if (ports.All(p => p.Name != name)) CommandFailedException.ThrowUsage($"--config: tunnels: there is no port '{name}'");
        }

        return [.. ports.Select(p => tunnels.FirstOrDefault(t => t.Port == p.Name).Options is string options
            ? Parse($"{p.Name}={p.Number},{options}")
            : new PortSpec(p.Name, p.Number, "system", new Dictionary<string, string>()))];
    }

    private static PortSpec Parse(string text)
    {
        string[] parts = text.Split(',');
        string[] sides = parts[0].Split('=');
        if (sides.Length != 2 || sides[0].Trim().Length == 0 || !uint.TryParse(sides[1].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
            throw new CommandFailedException(ExitCode.Usage, $"--port: '{text}' is not {Syntax}");
        Dictionary<string, string> options = [];
        foreach (string part in parts.Skip(1))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0) CommandFailedException.ThrowUsage($"--port: '{part}' of '{text}' is not OPTION=VALUE");
            if (!options.TryAdd(part[..equals].Trim(), part[(equals + 1)..].Trim())) CommandFailedException.ThrowUsage($"--port: '{text}' has {part[..equals].Trim()} twice");
        }

        options.Remove("type", out string? type);
        return new PortSpec(sides[0].Trim(), number, type ?? "system", options);
    }
}
