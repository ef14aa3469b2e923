using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>Order of instructions and legal nesting (OVS <c>ofpacts_verify</c>).</summary>
internal static class ActionOrder
{
    private static readonly string[] s_instructionNames = ["meter", "apply_actions", "clear_actions", "write_actions", "write_metadata", "goto_table"];

    private enum Instruction
    {
        Meter,
        ApplyActions,
        ClearActions,
        WriteActions,
        WriteMetadata,
        GotoTable,
    }

    /// <summary>Refuses what OVS refuses, at the action that breaks the rule.</summary>
    public static void Verify(List<ParsedAction> list, Nesting outer, bool allowInstructions)
    {
        Instruction last = Instruction.Meter;
        for (int i = 0; i < list.Count; i++)
        {
            ParsedAction a = list[i];
            if (a.Action is OfConjunction)
            {
                VerifyConjunction(list);
                return;
            }

            VerifyNested(a, outer);
            Instruction next = InstructionOf(a.Action);
            if (i > 0 && (last == Instruction.ApplyActions ? next < last : next <= last)) WrongOrder(a, next, last);
            if (!allowInstructions && next is not (Instruction.ApplyActions or Instruction.Meter))
            {
                a.Key.Fail($"{s_instructionNames[(int)next]} instruction not allowed here");
            }

            last = next;
        }
    }

    private static void VerifyConjunction(List<ParsedAction> list)
    {
        foreach (ParsedAction a in list)
        {
            if (a.Action is OfConjunction or OfNote) continue;
            a.Key.Fail($"\"conjunction\" actions may be used along with \"note\" but not any other kind of action (such as the \"{a.Name}\" action used here)");
        }
    }

    private static void VerifyNested(ParsedAction a, Nesting outer)
    {
        Field? field = a.Action switch
        {
            OfSetField s => s.Field,
            OfMove m => m.Destination.Field,
            _ => null,
        };
        bool isCtField = field?.Id is FieldId.CtMark or FieldId.CtLabel;
        if (isCtField && outer != Nesting.Ct) a.Key.Fail("cannot set CT fields outside of ct action");
        if (outer == Nesting.Ct && field is null) Refuse(a, outer);
        if (outer == Nesting.Ct && !isCtField) a.Key.Fail($"ct action doesn't support nested modification of {field!.Name}");
        if (outer != Nesting.None && a.Action is OfMeter) Refuse(a, outer);
    }

    private static void Refuse(ParsedAction a, Nesting outer)
    {
        string name = outer switch { Nesting.Ct => "ct", Nesting.Clone => "clone", _ => "write_actions" };
        a.Key.Fail($"{name} action doesn't support nested action {a.Name}");
    }

    private static void WrongOrder(ParsedAction a, Instruction next, Instruction last)
    {
        string name = s_instructionNames[(int)last];
        a.Key.Fail(next == last
            ? $"duplicate {name} instruction not allowed, for OpenFlow 1.1+ compatibility"
            : $"invalid instruction ordering: {s_instructionNames[(int)next]} must appear before {name}, for OpenFlow 1.1+ compatibility");
    }

    private static Instruction InstructionOf(OfAction action) => action switch
    {
        OfMeter => Instruction.Meter,
        OfClearActions => Instruction.ClearActions,
        OfWriteActions => Instruction.WriteActions,
        OfWriteMetadata => Instruction.WriteMetadata,
        OfGotoTable => Instruction.GotoTable,
        _ => Instruction.ApplyActions,
    };
}
