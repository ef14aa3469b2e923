namespace Mergeflow.Perf;

/// <summary>
/// Tuple space explosion (Csikor et al., CoNEXT 2019): four harmless rules, and packets of which each differs from them in other bits, so that each makes a
/// megaflow with a mask of its own, 8,192 in all. One frame in sixteen is such a one; the others are 1k flows of an honest user.
/// </summary>
public static class TupleExplosion
{
    /// <summary>The one name that <see cref="Make"/> knows.</summary>
    public const string Name = "tse";

    private const int Flows = 1000;
    private const int HonestPerAttack = 15;
    private const uint AllowedSource = 0x0a000001;
    private const int AllowedPort = 80;
    private const int AllowedSourcePort = 12345;
    private const uint FirstHonestSource = 0xc0a80001;
    private const uint Server = 0x0a800001;
    private const int AddressBits = 32;
    private const int PortBits = 16;

    private const string Rules = """
        table=0,priority=30,udp,tp_dst=80,actions=output:2
        table=0,priority=20,udp,nw_src=10.0.0.1,actions=output:2
        table=0,priority=10,udp,tp_src=12345,actions=output:2
        table=0,priority=0,actions=drop
        """;

    /// <summary>131,072 frames: 8,192 masks, each once.</summary>
    public static Workload Make()
    {
        var frames = new List<byte[]>();
        uint honest = 0;
        for (int address = 0; address < AddressBits; address++)
        {
            for (int port = 0; port < PortBits; port++)
            {
                for (int sourcePort = 0; sourcePort < PortBits; sourcePort++)
                {
                    frames.Add(FrameBuilder.Build(AllowedSource ^ (1u << address), Server, AllowedSourcePort ^ (1 << sourcePort), AllowedPort ^ (1 << port)));
                    for (int i = 0; i < HonestPerAttack; i++, honest++)
                    {
                        uint flow = honest % Flows;
                        frames.Add(FrameBuilder.Build(FirstHonestSource + flow, Server, 20_000 + (int)flow, AllowedPort));
                    }
                }
            }
        }

        return new Workload(Name, frames, [], Rules);
    }
}
