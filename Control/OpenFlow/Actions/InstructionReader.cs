namespace Mergeflow.Control.OpenFlow;

/// <summary>Reads what a flow does: actions in OpenFlow 1.0, instructions later (OVS <c>ofpacts_pull_openflow_instructions</c>).</summary>
internal static class InstructionReader
{
    private const string BadLength = "OFPBIC_BAD_LEN";
    private const ushort GotoTable = 1;
    private const ushort WriteMetadata = 2;
    private const ushort WriteActions = 3;
    private const ushort ApplyActions = 4;
    private const ushort ClearActions = 5;
    private const ushort Meter = 6;
    private const ushort Experimenter = 0xffff;

    /// <summary>Reads up to the end: in the order in which they act, whatever the order in the message.</summary>
    public static EquatableList<OfAction> Read(OfReader reader)
    {
        if (reader.Version == OfVersion.V10) return ActionReader.ReadList(reader);
        if (reader.Left % 8 != 0) throw new OfRefusal(BadLength, "instructions are not a multiple of 8 bytes");
        var parts = new List<OfAction>[Meter + 1];
        while (reader.Left > 0)
        {
            ReadOnlySpan<byte> rest = reader.Rest;
            (int type, int length) = ((rest[0] << 8) | rest[1], (rest[2] << 8) | rest[3]);
            if (length < 8 || length % 8 != 0 || length > rest.Length) throw new OfRefusal(BadLength, $"an instruction of {length} bytes");
            OfReader one = reader.Part(length, BadLength);
            one.Skip(4);
            if (type == Experimenter) throw new OfRefusal("OFPBIC_BAD_EXPERIMENTER", "an instruction of an experimenter");
            if (type is 0 or > Meter || (type == Meter && reader.Version is < OfVersion.V13 or >= OfVersion.V15)) throw new OfRefusal("OFPBIC_UNKNOWN_INST", $"instruction {type}");
            if (parts[type] is not null) throw new OfRefusal("OFPBIC_DUP_INST", $"instruction {type} twice");
            parts[type] = ReadOne((ushort)type, ref one);
        }

        List<OfAction> all = [];
        foreach (ushort type in (ReadOnlySpan<ushort>)[Meter, ApplyActions, ClearActions, WriteActions, WriteMetadata, GotoTable])
        {
            if (parts[type] is { } part) all.AddRange(part);
        }

        return all.Count == 0 ? EquatableList<OfAction>.Empty : new EquatableList<OfAction>(all);
    }

    private static List<OfAction> ReadOne(ushort type, ref OfReader one)
    {
        switch (type)
        {
            case GotoTable:
                Expect(one, 4);
                return [new OfGotoTable(one.U8())];
            case WriteMetadata:
                Expect(one, 20);
                one.Skip(4);
                return [new OfWriteMetadata(one.U64(), one.U64())];
            case Meter:
                Expect(one, 4);
                return [new OfMeter(one.U32())];
            case ClearActions:
                Expect(one, 4);
                return [new OfClearActions()];
            default:
                one.Skip(4);
                EquatableList<OfAction> actions = ActionReader.ReadList(one.Part(one.Left, ActionReader.BadLength));
                return type == ApplyActions ? [.. actions] : [new OfWriteActions(actions)];
        }
    }

    private static void Expect(OfReader one, int bytes)
    {
        if (one.Left != bytes) throw new OfRefusal(BadLength, $"an instruction of {one.Left + 4} bytes");
    }
}
