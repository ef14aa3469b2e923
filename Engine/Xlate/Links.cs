using System.Numerics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Xlate;

/// <summary>From a hash to the number of a link (OVS <c>multipath_algorithm</c>).</summary>
internal static class Links
{
    /// <summary>Links from which on the highest weight is too much work.</summary>
    private const uint MostWeighed = 64;

    /// <summary>A number below <paramref name="count"/>, which is 1 to 65,536.</summary>
    public static uint Choose(uint hash, OfMultipathAlgorithm algorithm, uint count, uint argument) => algorithm switch
    {
        OfMultipathAlgorithm.ModuloN => hash % count,
        OfMultipathAlgorithm.HashThreshold => count == 1 ? 0 : hash / ((uint.MaxValue / count) + 1),
        OfMultipathAlgorithm.HighestRandomWeight => count <= MostWeighed ? HighestWeight(hash, count) : Iterate(hash, count, 0),
        _ => Iterate(hash, count, argument),
    };

    private static uint HighestWeight(uint hash, uint count)
    {
        uint link = 0, best = JenkinsHash.OfWords(hash, 0);
        for (uint i = 1; i < count; i++)
        {
            uint weight = JenkinsHash.OfWords(hash, i);
            if (weight > best) (link, best) = (i, weight);
        }

        return link;
    }

    private static uint Iterate(uint hash, uint count, uint modulo)
    {
        if (modulo < count || modulo / 2 > count) modulo = BitOperations.RoundUpToPowerOf2(count);
        uint link, round = 0;
        do
        {
            link = JenkinsHash.OfWords(hash, round++) % modulo;
        }
        while (link >= count);
        return link;
    }
}
