namespace Mergeflow.Perf;

/// <summary>Traces of connections for <see cref="HitShare"/>: which connection each packet belongs to.</summary>
public static class ConnectionTrace
{
    /// <summary>Popularity by Zipf's law over a fixed set of connections.</summary>
    /// <param name="packets">Length.</param>
    /// <param name="connections">How many there are.</param>
    /// <param name="exponent">1 is the classic law; larger = more skewed.</param>
    /// <param name="seed">Decides everything.</param>
    public static int[] Zipf(int packets, int connections, double exponent, int seed)
    {
        double[] cumulative = new double[connections];
        double sum = 0;
        for (int i = 0; i < connections; i++) cumulative[i] = sum += 1 / Math.Pow(i + 1, exponent);
        var random = new Random(seed);
        int[] trace = new int[packets];
        for (int i = 0; i < packets; i++)
        {
            int at = Array.BinarySearch(cumulative, random.NextDouble() * sum);
            trace[i] = Math.Min(at < 0 ? ~at : at, connections - 1);
        }

        return trace;
    }

    /// <summary>Connections that come and go: lengths by Pareto's law, so that most are short and a few carry most packets.</summary>
    /// <param name="packets">Length.</param>
    /// <param name="concurrent">Connections open at a time; each packet is of one of them, by chance.</param>
    /// <param name="shape">Pareto's exponent; 1.1 is what the Internet is like.</param>
    /// <param name="seed">Decides everything.</param>
    public static int[] HeavyTailed(int packets, int concurrent, double shape, int seed)
    {
        const double MeanScalePackets = 3;
        var random = new Random(seed);
        int opened = 0;
        int[] open = new int[concurrent], left = new int[concurrent];
        int[] trace = new int[packets];
        for (int i = 0; i < packets; i++)
        {
            int k = random.Next(concurrent);
            if (left[k] == 0)
            {
                open[k] = opened++;
                left[k] = (int)Math.Min(packets, MeanScalePackets / Math.Pow(1 - random.NextDouble(), 1 / shape));
            }

            left[k]--;
            trace[i] = open[k];
        }

        return trace;
    }
}
