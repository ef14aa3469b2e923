namespace Mergeflow.Control.OpenFlow;

/// <summary>Reads <c>sample</c> in its four forms (OVS <c>struct nx_action_sample</c> .. <c>sample4</c>).</summary>
internal static class SampleReader
{
    /// <summary>Reads what follows the subtype.</summary>
    public static OfSample Read(ref OfReader a, ushort subtype)
    {
        int length = a.At + a.Left;
        if (length != subtype switch { 29 => 24, 51 => 40, _ => 32 }) throw new OfRefusal(ActionReader.BadLength, $"a sample of {length} bytes");
        (ushort probability, uint collectors) = (a.U16(), a.U32());
        if (probability == 0) throw Bad("probability 0");
        var sample = new OfSample(probability, collectors, 0, 0);
        if (subtype == 51)
        {
            (uint domain, Subfield? domainSource) = ReadId(ref a);
            (uint point, Subfield? pointSource) = ReadId(ref a);
            sample = sample with { ObservationDomainId = domain, ObservationDomainSource = domainSource, ObservationPointId = point, ObservationPointSource = pointSource };
        }
        else
        {
            sample = sample with { ObservationDomainId = a.U32(), ObservationPointId = a.U32() };
        }

        if (subtype == 29) return sample;
        (ushort port, byte direction) = (a.U16(), a.U8());
        a.Zeros(5, "NXBRC_MUST_BE_ZERO");
        if (direction > (byte)OfSampleDirection.Egress || (subtype == 38 && direction != 0)) throw Bad("direction of a sample");
        return sample with { SamplingPort = port == (ushort)OfReservedPort.None ? null : port, Direction = (OfSampleDirection)direction };
    }

    private static (uint Value, Subfield? Source) ReadId(ref OfReader a)
    {
        (uint header, uint value) = (a.U32(), a.U32());
        if (header == 0) return (value, null);
        ushort range = (ushort)(value >> 16);
        Subfield source = ActionReader.Source(ActionReader.FieldOf(header), range >> 6, (range & 0x3f) + 1);
        return source.BitCount <= 32 ? (0u, (Subfield?)source) : throw Bad("an observation id has 32 bits");
    }

    private static OfRefusal Bad(string what) => new("OFPBAC_BAD_ARGUMENT", what);
}
