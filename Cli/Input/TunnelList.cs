using System.Text.Json;

namespace Mergeflow.Cli;

/// <summary>The member <c>"tunnels":{"vx0":"type=vxlan,remote_ip=..,.."}</c> of a switch's config: options by port name, as <see cref="TunnelPortParser"/> takes them.</summary>
public static class TunnelList
{
    /// <summary>Reads the member; nothing if it is missing.</summary>
    /// <exception cref="CommandFailedException">It is there and wrong.</exception>
    public static IReadOnlyList<(string Port, string Options)> Read(JsonElement config, string file)
    {
        if (!config.TryGetProperty("tunnels", out JsonElement element)) return [];
        List<(string, string)> tunnels = [];
        if (element.ValueKind != JsonValueKind.Object) CommandFailedException.ThrowBadInput(file, 1, "\"tunnels\": expected an object");
        foreach (JsonProperty tunnel in element.EnumerateObject())
        {
            if (tunnel.Value.ValueKind != JsonValueKind.String) CommandFailedException.ThrowBadInput(file, 1, $"\"tunnels\": {CliJson.Quote(tunnel.Name)}: expected a string of options");
            tunnels.Add((tunnel.Name, tunnel.Value.GetString()!));
        }

        return tunnels;
    }

    /// <summary>Parses the options; ports are named as in <paramref name="ports"/>.</summary>
    /// <exception cref="CommandFailedException">An option is wrong, or a port does not exist.</exception>
    public static IReadOnlyList<TunnelPort> Parse(IReadOnlyList<(string Port, string Options)> tunnels, IReadOnlyList<(string Name, uint Number)> ports)
    {
        const string file = "config";
        var parser = new TunnelPortParser(new PortNames(ports.ToDictionary(p => p.Name, p => p.Number)));
        List<TunnelPort> parsed = [];
        foreach ((string name, string options) in tunnels)
        {
            uint number = ports.FirstOrDefault(p => p.Name == name).Number;
            if (number == 0) CommandFailedException.ThrowBadInput(file, 1, $"tunnels: there is no port {CliJson.Quote(name)}");
            try
            {
                parsed.Add(parser.Parse(number, options));
            }
            catch (FlowTextException e)
            {
                CommandFailedException.ThrowBadInput(file, 1, $"tunnels: {CliJson.Quote(name)}, column {e.Column}: {e.Message}");
            }
        }

        foreach (TunnelPort t in parsed)
        {
            bool isPlain = ports.Any(p => p.Number == t.UnderlayPort) && parsed.TrueForAll(o => o.Number != t.UnderlayPort);
            if (!isPlain) CommandFailedException.ThrowBadInput(file, 1, $"tunnels: port {t.Number}: out={t.UnderlayPort} is no port that frames can leave on");
        }

        return parsed;
    }
}
