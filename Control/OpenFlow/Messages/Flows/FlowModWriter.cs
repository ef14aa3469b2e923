namespace Mergeflow.Control.OpenFlow;

/// <summary>Writes flow modifications (OVS <c>ofputil_encode_flow_mod</c>).</summary>
internal static class FlowModWriter
{
    /// <summary>Writes one.</summary>
    public static void Write(OfWriter w, OfFlowModMessage message)
    {
        if (message.IsNicira) WriteNicira(w, message);
        else if (w.Version == OfVersion.V10) Write10(w, message);
        else Write11(w, message);
    }

    private static void Write10(OfWriter w, OfFlowModMessage message)
    {
        Match10.Write(w, ref message.Mod.Match);
        w.U64(message.Mod.NewCookie ?? 0);
        WriteCommon(w, message);
        ActionWriter.Write(w, message.Mod.Actions);
    }

    private static void WriteNicira(OfWriter w, OfFlowModMessage message)
    {
        FlowMod mod = message.Mod;
        w.U64(mod.NewCookie ?? (mod.Command is FlowModCommand.Modify or FlowModCommand.ModifyStrict ? ulong.MaxValue : 0));
        WriteCommon(w, message);
        int at = w.Length;
        w.U16(0);
        w.Zeros(6);
        w.PatchU16(at, OxmMatchWriter.WriteNxm(w, ref mod.Match, (mod.Cookie, mod.CookieMask)));
        ActionWriter.Write(w, mod.Actions);
    }

    private static void WriteCommon(OfWriter w, OfFlowModMessage message)
    {
        FlowMod mod = message.Mod;
        w.U16((ushort)((int)mod.Command | ((mod.Table ?? 255) << 8)));
        w.U16(mod.IdleTimeoutSeconds);
        w.U16(mod.HardTimeoutSeconds);
        w.U16(mod.Priority);
        w.U32(message.BufferId);
        w.U16((ushort)(mod.OutPort ?? (uint)OfReservedPort.None));
        w.U16(Flags(mod, w.Version));
    }

    private static void Write11(OfWriter w, OfFlowModMessage message)
    {
        FlowMod mod = message.Mod;
        bool restricts = mod.Command != FlowModCommand.Add && mod.CookieMask != 0;
        w.U64(restricts ? mod.Cookie : mod.NewCookie ?? 0);
        w.U64(restricts ? mod.CookieMask : 0);
        w.U8(mod.Table ?? (mod.Command is FlowModCommand.Delete or FlowModCommand.DeleteStrict ? (byte)255 : (byte)0));
        w.U8((byte)mod.Command);
        w.U16(mod.IdleTimeoutSeconds);
        w.U16(mod.HardTimeoutSeconds);
        w.U16(mod.Priority);
        w.U32(message.BufferId);
        w.U32(OfPorts.Widen(mod.OutPort ?? (uint)OfReservedPort.None));
        w.U32(mod.OutGroup ?? uint.MaxValue);
        w.U16(Flags(mod, w.Version));
        w.U16(w.Version >= OfVersion.V14 ? mod.Importance : (ushort)0);
        MatchCodec.Write(w, ref mod.Match);
        InstructionWriter.Write(w, mod.Actions);
    }

    /// <summary>As far as the version has them.</summary>
    private static ushort Flags(FlowMod mod, OfVersion version) => (ushort)((int)mod.Flags & (version switch { OfVersion.V10 or OfVersion.V11 => 3, OfVersion.V12 => 7, _ => 31 }));
}
