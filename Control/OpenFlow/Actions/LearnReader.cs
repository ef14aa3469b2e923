namespace Mergeflow.Control.OpenFlow;

/// <summary>Reads <c>learn</c> (OVS <c>struct nx_action_learn</c>, <c>nx_action_learn2</c>).</summary>
internal static class LearnReader
{
    private const ushort BitCountMask = 0x3ff;
    private const ushort Immediate = 1 << 13;
    private const int KindShift = 11;
    private const ushort WriteResult = 4;

    /// <summary>Reads what follows the subtype.</summary>
    public static OfLearn Read(ref OfReader a, bool isSecond)
    {
        (ushort idle, ushort hard, ushort priority, ulong cookie, ushort flags, byte table) = (a.U16(), a.U16(), a.U16(), a.U64(), a.U16(), a.U8());
        a.Zeros(1, ActionArgument);
        (ushort finIdle, ushort finHard) = (a.U16(), a.U16());
        if (table == 255 || (flags & ~(isSecond ? 7 : 3)) != 0) throw Bad("table or flags of learn");
        uint limit = 0;
        Subfield? result = null;
        if (isSecond)
        {
            limit = a.U32();
            int start = a.U16();
            a.Zeros(2, "NXBAC_MUST_BE_ZERO");
            if ((flags & WriteResult) != 0) result = ActionReader.Destination(ActionReader.ReadField(ref a), start, 1);
            else if (start != 0) throw Bad("a place for a result that is not written");
        }

        return new OfLearn
        {
            Table = table,
            Priority = priority,
            Cookie = cookie,
            IdleTimeoutSeconds = idle,
            HardTimeoutSeconds = hard,
            FinIdleTimeoutSeconds = finIdle,
            FinHardTimeoutSeconds = finHard,
            Flags = (OfLearnFlags)(flags & 3),
            Limit = limit,
            Result = result,
            Specs = ReadSpecs(ref a),
        };
    }

    private const string ActionArgument = "OFPBAC_BAD_ARGUMENT";

    private static EquatableList<OfLearnSpec> ReadSpecs(ref OfReader a)
    {
        List<OfLearnSpec> specs = [];
        while (a.Left > 0)
        {
            ushort header = a.U16();
            if (header == 0) break;
            specs.Add(ReadSpec(ref a, header));
        }

        a.Zeros(a.Left, ActionArgument);
        return new EquatableList<OfLearnSpec>(specs);
    }

    private static OfLearnSpec ReadSpec(ref OfReader a, ushort header)
    {
        int count = header & BitCountMask;
        bool isImmediate = (header & Immediate) != 0;
        int kind = (header >> KindShift) & 3;
        if (kind > (int)OfLearnKind.Output || (kind == (int)OfLearnKind.Output && isImmediate)) throw Bad("kind of a part of learn");
        Subfield? source = null;
        UInt128 value = 0;
        if (isImmediate) value = ReadImmediate(ref a, count);
        else source = ReadSubfield(ref a, count, isWritten: false);
        Subfield? destination = kind == (int)OfLearnKind.Output ? null : ReadSubfield(ref a, count, kind == (int)OfLearnKind.Load);
        return new OfLearnSpec((OfLearnKind)kind, source, value, destination, count);
    }

    private static UInt128 ReadImmediate(ref OfReader a, int count)
    {
        ReadOnlySpan<byte> bytes = a.Take((count + 15) / 16 * 2);
        if (count > 128) throw Bad($"{count} bits");
        UInt128 value = OfReader.Number(bytes);
        return count < 128 && value >> count != 0 ? throw Bad("the value does not fit") : value;
    }

    private static Subfield ReadSubfield(ref OfReader a, int count, bool isWritten)
    {
        (Field field, int start) = (ActionReader.FieldOf(a.U32()), a.U16());
        return isWritten ? ActionReader.Destination(field, start, count) : ActionReader.Source(field, start, count);
    }

    private static OfRefusal Bad(string what) => new(ActionArgument, what);
}
