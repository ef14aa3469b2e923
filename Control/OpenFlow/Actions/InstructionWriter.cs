namespace Mergeflow.Control.OpenFlow;

/// <summary>Writes what a flow does (OVS <c>ofpacts_put_openflow_instructions</c>).</summary>
internal static class InstructionWriter
{
    /// <summary>Actions in OpenFlow 1.0, instructions later.</summary>
    public static void Write(OfWriter w, EquatableList<OfAction> actions)
    {
        if (w.Version == OfVersion.V10)
        {
            ActionWriter.Write(w, actions);
            return;
        }

        for (int i = 0; i < actions.Count;)
        {
            if (TryWrite(w, actions[i]))
            {
                i++;
                continue;
            }

            int start = Begin(w, 4);
            for (; i < actions.Count && !IsInstruction(w.Version, actions[i]); i++) ActionWriter.Write(w, actions[i]);
            if (w.Length == start + 8) w.Truncate(start);
            else w.PatchLength(start + 2, start);
        }
    }

    private static bool IsInstruction(OfVersion version, OfAction action)
        => action is OfGotoTable or OfWriteMetadata or OfWriteActions or OfClearActions || (action is OfMeter && version is OfVersion.V13 or OfVersion.V14);

    private static bool TryWrite(OfWriter w, OfAction action)
    {
        if (!IsInstruction(w.Version, action)) return false;
        int start = w.Length;
        switch (action)
        {
            case OfGotoTable a:
                w.U16(1);
                w.U16(8);
                w.U8(a.Table);
                w.Zeros(3);
                break;
            case OfWriteMetadata a:
                Begin(w, 2);
                w.U64(a.Value);
                w.U64(a.Mask);
                w.PatchLength(start + 2, start);
                break;
            case OfMeter a:
                w.U16(6);
                w.U16(8);
                w.U32(a.MeterId);
                break;
            default:
                Begin(w, action is OfWriteActions ? (ushort)3 : (ushort)5);
                if (action is OfWriteActions set) ActionWriter.Write(w, set.Actions);
                w.PatchLength(start + 2, start);
                break;
        }

        return true;
    }

    private static int Begin(OfWriter w, ushort type)
    {
        w.U16(type);
        w.U16(8);
        w.Zeros(4);
        return w.Length - 8;
    }
}
