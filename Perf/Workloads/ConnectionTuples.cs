namespace Mergeflow.Perf;

/// <summary>
/// Random connections to 16 servers. Random, not counting up: a linear hash would collide on arithmetic progressions. Source ports are unique
/// per server, so that SNAT to one address keeps the port.
/// </summary>
public sealed class ConnectionTuples
{
    private const int Servers = 16;
    private readonly int[][] _ports;
    private readonly int[] _clients;

    /// <summary>Room for 131,072 connections.</summary>
    public ConnectionTuples(uint seed)
    {
        var rng = new PythonRandom(seed + 4);
        _ports = [.. Enumerable.Range(0, Servers).Select(_ => rng.Sample(1024, 65536, 8192))];
        _clients = rng.Sample(0, 1 << 22, 131072);
    }

    /// <summary>Connection <paramref name="i"/>, host order.</summary>
    public (uint Client, uint Server, int SourcePort, int DestinationPort) this[int i]
        => (0x0A40_0000u + (uint)_clients[i], 0x0A80_0000u + (uint)(i % Servers * 4099), _ports[i % Servers][i / Servers], 80);
}
