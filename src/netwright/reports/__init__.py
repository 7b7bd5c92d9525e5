"""Figures, tables and the one-file HTML report of a search. Data in; nothing here runs or changes a search."""

from netwright.reports.drawing import Drawing, DrawnLayer
from netwright.reports.environment import environment
from netwright.reports.page import report_html, write_report
from netwright.reports.report_data import FinalTraining, ReportData, TaskFacts
from netwright.reports.summary import summary_lines
from netwright.reports.tables import arch_text, history_frame, history_table

__all__ = [
    "Drawing",
    "DrawnLayer",
    "FinalTraining",
    "ReportData",
    "TaskFacts",
    "arch_text",
    "environment",
    "history_frame",
    "history_table",
    "report_html",
    "summary_lines",
    "write_report",
]
